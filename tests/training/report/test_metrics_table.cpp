// The logs of a run as a table, and as CSV.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/training/report/metrics_csv.h>
#include <ditharos/training/report/metrics_table.h>
#include <ditharos/training/run/step_log.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::training;
using tests::contains;
using tests::message_of;
using tests::TemporaryFolder;

namespace {

MetricsTable table_of(const std::string& text) { return parse_metrics(text, "m.jsonl"); }
std::string refusal(const std::string& text) {
  return message_of<IoError>([&] { static_cast<void>(table_of(text)); });
}
std::string csv_of(const TemporaryFolder& folder, const std::string& text) {
  write_metrics_csv(folder / "m.csv", table_of(text));
  return read_file(folder / "m.csv", 1 << 24);
}

}  // namespace

TEST_CASE("metrics table: members, lists and objects have a column each, in the order of the log") {
  const MetricsTable table = table_of(
      "{\"step\": 10, \"loss\": 0.5, \"bins\": [1, null, 2.5], \"text\": \"no figure\", \"flag\": true}\n"
      "{\"step\": 10, \"score\": {\"object\": 1e-05, \"asked\": 12, \"deep\": {\"er\": [-3]}}}\n"
      "{\"step\": 20, \"loss\": 0.25}\n");
  const std::vector<std::string> columns = {"loss",         "bins/0",      "bins/1",         "bins/2",
                                            "score/object", "score/asked", "score/deep/er/0"};
  CHECK(table.columns == columns);
  REQUIRE_EQ(table.rows.size(), 3u);
  CHECK_EQ(table.rows[0].figures.size(), 4u);
  CHECK(std::isnan(table.rows[0].figures[2].value));
  CHECK_EQ(table.rows[1].figures[2].value, -3);
  CHECK_EQ(table.rows[2].step, 20);
}

TEST_CASE("metrics table: numbers are written as in the log") {
  for (const double value : {0.1, 1.0, 1e300, 5e-324, -0.0, 1.7976931348623157e308, 0.6977691650390625, 4e-05}) {
    const std::string line = log_line(1, JsonObject().add("x", value));
    const MetricsTable table = table_of(line);
    CHECK_EQ(log_line(1, JsonObject().add("x", table.rows[0].figures[0].value)), line);
    CHECK(contains(line, " " + table.rows[0].figures[0].text() + "}"));
  }
  for (const int64_t whole : {int64_t(0), int64_t(-7), int64_t(1) << 53}) {
    const MetricsTable table = table_of(log_line(1, JsonObject().add("x", whole)));
    CHECK_EQ(table.rows[0].figures[0].text(), std::to_string(whole));
  }
}

TEST_CASE("metrics table: an incomplete last line is passed over, a damaged line is named") {
  CHECK_EQ(table_of("").rows.size(), 0u);
  CHECK_EQ(table_of("{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"lo").rows.size(), 1u);
  const std::string good = "{\"step\": 1, \"loss\": 2}\n";
  for (const char* const bad :
       {"{\"step\": 2, \"lo", "", "[1]", "3", "\"step\"", "{}", "{\"loss\": 1, \"step\": 2}", "{\"step\": -1}",
        "{\"step\": 1.5}", "{\"step\": \"1\"}", "{\"step\": 1} {}", "{\"step\": 18446744073709551615}",
        "{\"step\": 2, \"x\": 1e999}", "\xFF\xFE", "{\"step\": 0}"}) {
    const std::string message = refusal(good + bad + "\n");
    CHECK_MESSAGE(message.starts_with("m.jsonl:2: not a line of a run's log: "), bad, ": ", message);
  }
}

TEST_CASE("metrics table: hostile names, levels and numbers of figures are refused") {
  std::string many = "{\"step\": 1", deep = "{\"step\": 1, \"x\": ";
  for (int i = 0; i < 1001; ++i) many += ", \"k" + std::to_string(i) + "\": 1";
  CHECK(contains(refusal(many + "}\n"), "more than 1000 different figures"));
  for (int i = 0; i < 100000; ++i) deep += "[";
  CHECK(contains(refusal(deep + "\n"), "more than 4 levels"));
  CHECK(contains(refusal("{\"step\": 1, \"" + std::string(201, 'n') + "\": 1}\n"), "more than 200 bytes"));
}

TEST_CASE("metrics csv: the union of the columns, and one row for the lines of a step") {
  const TemporaryFolder folder;
  CHECK_EQ(csv_of(folder, ""), "step\n");
  CHECK_EQ(csv_of(folder,
                  "{\"step\": 10, \"loss\": 0.5, \"lr\": 4e-05}\n"
                  "{\"step\": 10, \"val_loss\": 0.25}\n"
                  "{\"step\": 20, \"loss\": null, \"bins\": [1, 2]}\n"
                  "{\"step\": 20, \"loss\": 3.0}\n"),
           "step,loss,lr,val_loss,bins/0,bins/1\n10,0.5,4e-05,0.25,,\n20,nan,,,1,2\n20,3.0,,,,\n");
  CHECK_EQ(csv_of(folder, "{\"step\": 1, \"a,\\\"b\\nc\": 1}\n"), "step,\"a,\"\"b\nc\"\n1,1\n");
}

TEST_CASE("metrics csv: every figure of a log, and no other") {
  const TemporaryFolder folder;
  std::string log, expected = "step,loss,bins/0\n";
  for (int step = 1; step <= 40000; ++step) {  // more than is written in one piece
    const double loss = 1.0 / step, bin = std::sqrt(double(step));
    log += "{\"step\": " + std::to_string(step) + ", \"loss\": ";
    std::ostringstream numbers;
    numbers.precision(17);
    numbers << loss << ", \"bins\": [" << bin << "]}\n";
    log += numbers.str();
  }
  const MetricsTable table = table_of(log);
  for (const MetricsRow& row : table.rows)
    expected += std::to_string(row.step) + "," + row.figures[0].text() + "," + row.figures[1].text() + "\n";
  CHECK_EQ(table.rows[6].figures[0].value, 1.0 / 7);
  const bool equal = csv_of(folder, log) == expected;
  CHECK(equal);
}
