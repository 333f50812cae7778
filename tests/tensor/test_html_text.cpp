// Text and bytes as they stand in a page.
#include <doctest/doctest.h>

#include <ditharos/tensor/io/base64.h>
#include <ditharos/tensor/io/html_text.h>

using namespace ditharos;

TEST_CASE("html text: special characters are escaped") {
  CHECK_EQ(html_text("a < b && c > d"), "a &lt; b &amp;&amp; c &gt; d");
  CHECK_EQ(html_text("</title><script>"), "&lt;/title&gt;&lt;script&gt;");
  CHECK_EQ(script_string("</script>\"\\ \n"), "\"\\u003c/script\\u003e\\\"\\\\ \\n\"");
  CHECK_EQ(script_string("<!-- &amp; \xFF"), "\"\\u003c!-- \\u0026amp; \xEF\xBF\xBD\"");
}

TEST_CASE("base64: the examples of RFC 4648, section 10, and all bytes") {
  const char* const examples[][2] = {{"", ""},
                                     {"f", "Zg=="},
                                     {"fo", "Zm8="},
                                     {"foo", "Zm9v"},
                                     {"foob", "Zm9vYg=="},
                                     {"fooba", "Zm9vYmE="},
                                     {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : examples) CHECK_EQ(base64(bytes), text);
  CHECK_EQ(base64(std::string("\x00\xff\xfe\x80", 4)), "AP/+gA==");
}
