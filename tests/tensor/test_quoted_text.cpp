// Numbers and strings as text that reads back unchanged.
#include <doctest/doctest.h>

#include <string>

#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/io/quoted_text.h>

using namespace ditharos;

TEST_CASE("text: numbers and strings as TOML and JSON read them") {
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(1) == "1.0");
  CHECK(shortest(-0.0) == "-0.0");
  CHECK(shortest(1e300) == "1e+300");
  CHECK(std::stod(shortest(0.1 + 0.2)) == 0.1 + 0.2);
  CHECK(quote("a\"b\\c\n\x01\x7f") == "\"a\\\"b\\\\c\\n\\u0001\\u007f\"");
  CHECK(quote("\xc3\xa9\xf0\x9f\x98\x80") == "\"\xc3\xa9\xf0\x9f\x98\x80\"");
  CHECK(quote("a\xff"
              "b\xc3") ==
        "\"a\xef\xbf\xbd"
        "b\xef\xbf\xbd\"");
  // Overlong, surrogate, above U+10FFFF, cut short.
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) CHECK_FALSE(is_utf8(bad));
  CHECK(is_utf8("\xed\x9f\xbf\xf4\x8f\xbf\xbf\xef\xbf\xbf"));
}
