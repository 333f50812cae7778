// The exercise as a page: its numbers are the trace's, and text is escaped. The page's script runs only in a browser.
#include <doctest/doctest.h>

#include <regex>

#include <ditharos/tensor/io/file.h>
#include "examples/by_hand/page.h"
#include "examples/by_hand/prepare.h"
#include "tests/support/page_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::by_hand;
using ditharos::tests::contains;
using ditharos::tests::data_of;
using ditharos::tests::message_of;
using ditharos::tests::occurrences;

namespace {

Trace printed_exercise() {
  Options options;
  options.as_printed = true;
  return walk(prepare(options)).trace;
}

}  // namespace

TEST_CASE("sora page: every number with its sum as the trace has them, and where it came from") {
  const Trace trace = printed_exercise();
  const std::string data = data_of(page(trace, "by hand"));
  size_t cells = 0;
  for (const Matrix& m : trace.matrices()) cells += m.values.size();
  CHECK_EQ(occurrences(data, "{\"value\":"), cells);
  CHECK_EQ(occurrences(data, "{\"symbol\":"), trace.matrices().size());
  CHECK_EQ(occurrences(data, "\"number\":"), 14);  // what is given, and [1] to [13]
  for (size_t i = 0; i < trace.matrices().size(); ++i) {
    const Matrix& m = trace.matrices()[i];
    for (int64_t r = 0; r < m.rows; ++r)
      for (int64_t c = 0; c < m.columns; ++c)
        CHECK(contains(data, "\"value\":\"" + number_text(m.values[m.at(r, c)]) + "\",\"sum\":\"" +
                                 trace.explain({int(i), r, c}) + "\""));
  }
  const Matrix* p = trace.find("P");
  const int number = int(p - trace.matrices().data());
  const std::string f = std::to_string(number - 3), w = std::to_string(number - 2), b = std::to_string(number - 1);
  CHECK(contains(data, "\"sum\":\"1*(-3) + (-1)*3 + 3 = -3\",\"source\":\"ours\",\"from\":[[" + w + ",0,0],[" + f +
                           ",0,1],[" + w + ",0,1],[" + f + ",1,1],[" + b + ",0,0]]"));
  CHECK_EQ(occurrences(data, "\"source\":\"misprint\""), 2);  // in y and in the shift
  CHECK(occurrences(data, "\"source\":\"article\"") > 20);
}

TEST_CASE("sora page: text cannot become markup") {
  Options options;
  options.prompt = "</script><img src=x onerror='alert(1)'>\"\\&";
  const std::string text = page(walk(prepare(options)).trace, "<b>&");
  CHECK_FALSE(contains(text, "<img"));
  CHECK_FALSE(contains(text, "<b>"));
  CHECK(contains(text, "<title>&lt;b&gt;&amp;</title>"));
  CHECK_EQ(data_of(text).find_first_of("<>&"), std::string::npos);
  CHECK_EQ(occurrences(text, "</script>"), 2);
}

TEST_CASE("sora page: it needs nothing from outside and writes no markup") {
  const std::string text = page(printed_exercise(), "by hand");
  const std::regex outside("(src|href)=\"(?!data:,)|@import|fetch\\(|XMLHttpRequest|import\\(");
  CHECK_FALSE(std::regex_search(text, outside));
  CHECK(contains(text, "default-src 'none'"));
  CHECK(contains(text, "prefers-color-scheme: dark"));
  for (const char* danger : {"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("})
    CHECK_FALSE(contains(text, danger));
  CHECK(text.starts_with("<!DOCTYPE html>"));
  CHECK(text.ends_with("</html>\n"));
}

TEST_CASE("sora page: the file, and a run that is too large for a page") {
  const tests::TemporaryFolder folder;
  const Trace trace = printed_exercise();
  write_page(folder / "page.html", trace, "by hand");
  CHECK_EQ(read_file(folder / "page.html", 1 << 22), page(trace, "by hand"));
  CHECK_THROWS_AS(write_page(folder / "missing/page.html", trace, "by hand"), IoError);
  Options large;
  large.frames = 16, large.height = 8, large.width = 8;
  CHECK(contains(message_of<ConfigError>([&] { page(walk(prepare(large)).trace, ""); }),
                 "more than 60000 factors, and such a page cannot be read: take fewer patches"));
}
