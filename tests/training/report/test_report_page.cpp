// The page about runs: its numbers are those of the logs, its texts are no markup, its size is bounded.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include <nlohmann/json.hpp>

#include <ditharos/autograd/ops.h>
#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/base64.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/random.h>
#include <ditharos/training/report/report_page.h>
#include <ditharos/training/run/step_log.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::training;
using nlohmann::json;
using tests::contains;
using tests::message_of;
using tests::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

json data_of(const std::vector<RunData>& runs, const PageLimits& limits = {}) {
  return json::parse(tests::data_of(report_page(runs, limits)));
}
json data_of(const std::string& folder) { return data_of(std::vector<RunData>{read_run(folder)}); }

/// The figures of a log by column and step, read by other code than the table's.
using Series = std::map<std::string, std::vector<std::pair<int64_t, json>>>;
void add_figures(Series& series, const std::string& name, int64_t step, const json& value) {
  if (value.is_object())
    for (const auto& [key, inner] : value.items())
      add_figures(series, name + (name.empty() ? "" : "/") + key, step, inner);
  else if (value.is_array())
    for (size_t i = 0; i < value.size(); ++i) add_figures(series, name + "/" + std::to_string(i), step, value[i]);
  else if (name != "step") series[name].emplace_back(step, value);
}
Series series_of_log(const std::string& path) {
  Series series;
  const std::string log = read_file(path, 1 << 24);
  for (size_t begin = 0, end; (end = log.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const json line = json::parse(log.substr(begin, end - begin));
    add_figures(series, "", line["step"], line);
  }
  return series;
}
Series series_of_page(const json& list) {
  Series series;
  for (const json& s : list)
    for (size_t i = 0; i < s["steps"].size(); ++i) series[s["name"]].emplace_back(s["steps"][i], s["values"][i]);
  return series;
}

/// A run of `steps` lines with the members of the three kinds.
void write_run(const std::string& folder, int64_t steps, const std::string& extra = "val_loss") {
  fs::create_directories(folder);
  std::string log;
  Generator rng(uint64_t(steps) + 1);
  for (int64_t step = 1; step <= steps; ++step) {
    const auto values = rng.fork(uint64_t(step)).normal({2}, DType::f64).to_vector<double>();
    log += log_line(step, JsonObject().add("loss", values[0]).add("bins", JsonObject().add("0", values[1])));
    if (step % 3 == 0) log += log_line(step, JsonObject().add(extra, step == 3 ? std::nan("") : 1.0 / double(step)));
  }
  tests::write_bytes(folder + "/metrics.jsonl", log);
  tests::write_bytes(folder + "/config.toml", "[train]\nsteps = " + std::to_string(steps) + "\nname = \"a = b\"\n");
}

}  // namespace

TEST_CASE("report page: its numbers are those of metrics.jsonl and timing.jsonl") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  write_run(run, 200);
  tests::write_bytes(run + "/timing.jsonl",
                     "{\"step\": 10, \"seconds\": 0.1, \"samples_per_second\": 123.456789012345}\n");
  const json page = data_of(run);
  REQUIRE_EQ(page["runs"].size(), 1u);
  const Series series = series_of_page(page["runs"][0]["series"]);
  CHECK(series == series_of_log(run + "/metrics.jsonl"));
  CHECK_EQ(series.at("loss").size(), 200u);
  CHECK(series.at("val_loss")[0].second.is_null());
  CHECK(series_of_page(page["runs"][0]["timing"]) == series_of_log(run + "/timing.jsonl"));
  CHECK(page["runs"][0]["configuration"] == json::parse(R"([["train","steps","200"],["train","name","\"a = b\""]])"));
}

TEST_CASE("report page: a curve that is too long keeps its extremes and only numbers of the log") {
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  write_run(run, 3000);
  std::string log = read_file(run + "/metrics.jsonl", 1 << 24);
  const json page = data_of(std::vector<RunData>{read_run(run)}, {.points_per_series = 100});
  const Series all = series_of_log(run + "/metrics.jsonl");
  Series kept = series_of_page(page["runs"][0]["series"]);
  for (const auto& [name, points] : kept) {
    CHECK_GE(points.size(), 90u);
    CHECK_LE(points.size(), 100u);
    CHECK(std::includes(all.at(name).begin(), all.at(name).end(), points.begin(), points.end()));
    CHECK(points.front() == all.at(name).front());
    CHECK(points.back() == all.at(name).back());
  }
  const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  CHECK(*std::min_element(kept["loss"].begin(), kept["loss"].end(), less) ==
        *std::min_element(all.at("loss").begin(), all.at("loss").end(), less));
  CHECK(*std::max_element(kept["loss"].begin(), kept["loss"].end(), less) ==
        *std::max_element(all.at("loss").begin(), all.at("loss").end(), less));
  CHECK_EQ(page["runs"][0]["series"][0]["lines"], 3000);
  CHECK(kept["val_loss"][0].second.is_null());  // what is not finite stays
  // Many runs share the limit.
  const std::vector<RunData> many(20, read_run(run));
  const json shared = data_of(many, {.points = 6000});
  for (const json& run_data : shared["runs"]) CHECK_LE(run_data["series"][0]["steps"].size(), 100u);
}

TEST_CASE("report page: runs with different figures and settings") {
  const TemporaryFolder folder;
  write_run(folder / "a", 9, "val_loss");
  write_run(folder / "b", 6, "psnr");
  fs::create_directories(folder / "c");
  tests::write_bytes(folder / "c/config.toml", "");
  const json page =
      data_of(std::vector<RunData>{read_run(folder / "a/"), read_run(folder / "b"), read_run(folder / "c")});
  REQUIRE_EQ(page["runs"].size(), 3u);
  CHECK_EQ(page["title"], "3 runs");
  CHECK_EQ(page["runs"][0]["name"], folder / "a");
  CHECK_EQ(page["runs"][0]["series"][2]["name"], "val_loss");
  CHECK_EQ(page["runs"][1]["series"][2]["name"], "psnr");
  for (const char* const key : {"series", "timing", "configuration", "sessions", "samples"})
    CHECK(page["runs"][2][key] == json::array());
  CHECK_THROWS_AS(static_cast<void>(report_page({})), ConfigError);
  CHECK_THROWS_AS(static_cast<void>(report_page(std::vector<RunData>(33))), ConfigError);
}

TEST_CASE("report page: a folder that is no run, and damaged files, are refused with a sentence") {
  const TemporaryFolder folder;
  const auto refusal = [](const std::string& run) {
    return message_of<IoError>([&] { static_cast<void>(read_run(run)); });
  };
  CHECK_EQ(refusal(folder / "none"), "\"" + (folder / "none") + "\" is no folder of a run");
  CHECK_EQ(refusal(folder.path()), "\"" + folder.path() +
                                       "\" is no folder of a run: it has neither config.toml nor "
                                       "metrics.jsonl");
  tests::write_bytes(folder / "metrics.jsonl", "{\"step\": 1}\n{\"step\": 1, \"loss\": nan}\n");
  CHECK(refusal(folder.path()).starts_with(folder / "metrics.jsonl" + ":2: not a line of a run's log: "));
  tests::write_bytes(folder / "metrics.jsonl", "{\"step\": 1, \"loss\": 1}\n{\"st");
  CHECK_EQ(refusal(folder.path()), "");
  tests::write_bytes(folder / "timing.jsonl", "x\n");
  CHECK(refusal(folder.path()).starts_with(folder / "timing.jsonl" + ":1: "));
  tests::write_bytes(folder / "timing.jsonl", "");
  // What people may have changed by hand hides nothing else.
  tests::write_bytes(folder / "env.txt", "x = \"1\"\n[[session]]\nstarted = \"then\"\nbad = \"\nworse\n= 3\n");
  CHECK(data_of(folder.path())["runs"][0]["sessions"] == json::parse(R"([[["started","then"]]])"));
}

TEST_CASE("report page: hostile texts are no markup") {
  const TemporaryFolder folder;
  const std::string evil = "</script><img src=x onerror=alert(1)>", run = folder / "<b>&amp;";
  fs::create_directories(run);
  tests::write_bytes(run + "/metrics.jsonl",
                     "{\"step\": 1, \"" + evil + "\": 1, \"__proto__\": 2, \"\\u0000\\u2028\": 3}\n");
  tests::write_bytes(run + "/config.toml", "[" + evil + "]\n" + evil + " = \"" + evil + "\xFF\"\n");
  tests::write_bytes(run + "/env.txt", "[[session]]\n" + evil + " = \"" + evil + "\"\n");
  const std::string page = report_page({read_run(run)});
  CHECK(!contains(page, "<img src=x"));
  CHECK(!contains(page, "<b>"));
  CHECK_EQ(tests::occurrences(page, "</script>"), 2u);
  CHECK(contains(page, "&lt;b&gt;&amp;amp;</title>"));
  const json data = json::parse(tests::data_of(page));
  CHECK_EQ(data["runs"][0]["name"], run);
  CHECK_EQ(data["runs"][0]["series"][0]["name"], evil);
  CHECK_EQ(data["runs"][0]["configuration"][0][2], "\"" + evil + "\xEF\xBF\xBD\"");
  CHECK_EQ(data["runs"][0]["sessions"][0][0][1], evil);
}

TEST_CASE("report page: it needs no network, and names nothing outside of itself") {
  const std::string page = report_page(
      {RunData{.name = "run", .configuration = {}, .metrics = {}, .timing = {}, .samples = {}, .sessions = {}}});
  CHECK(contains(page, "default-src 'none'"));
  for (const char* const loaded : {"<script src", "<link rel=\"stylesheet\"", "@import", "url(", "fetch("})
    CHECK(!contains(page, loaded));
}

TEST_CASE("report page: sample grids are spread evenly within the limit, the first and the newest among them") {
  const TemporaryFolder folder;
  write_run(folder.path(), 3);
  fs::create_directories(folder / "samples");
  const auto grid = [&](int64_t step) { return folder / "samples/step_" + std::to_string(step) + ".png"; };
  for (int64_t step = 1; step <= 40; ++step)
    data::write_png(grid(step), to(Generator(uint64_t(step)).randint(0, 256, {1, 32, 32}), DType::u8));
  tests::write_bytes(grid(41), "no PNG");
  tests::write_bytes(folder / "samples/step_x.png", "");
  tests::write_bytes(folder / "samples/other.png", "");
  const RunData run = read_run(folder.path());
  REQUIRE_EQ(run.samples.size(), 41u);
  const json all = data_of(std::vector<RunData>{run})["runs"][0];
  REQUIRE_EQ(all["samples"].size(), 40u);
  CHECK_EQ(all["sample_count"], 41);
  CHECK_EQ(all["samples"][6]["step"], 7);
  CHECK_EQ(all["samples"][6]["width"], 32);
  CHECK_EQ(all["samples"][6]["png"], base64(read_file(grid(7), 1 << 20)));

  const uint64_t one = fs::file_size(grid(1));
  for (const uint64_t count : {0, 1, 2, 5, 10}) {
    const json some = data_of(std::vector<RunData>{run}, {.image_bytes = count * (one + 40)})["runs"][0]["samples"];
    CHECK_LE(some.size(), count);
    if (count < 5) continue;
    CHECK_GE(some.size(), count - 2);  // the mean size is a guess, and the file that is no PNG may be chosen
    CHECK_EQ(some[0]["step"], 1);
    for (size_t i = 1; i < some.size(); ++i)
      CHECK_LE(int64_t(some[i]["step"]) - int64_t(some[i - 1]["step"]), 2 * 41 / int64_t(count));
  }
}

TEST_CASE("report page: a file that cannot be written leaves the old page") {
  const TemporaryFolder folder;
  write_run(folder.path(), 3);
  write_report_page(folder / "report.html", {read_run(folder.path())});
  const std::string page = read_file(folder / "report.html", 1 << 24);
  CHECK(page.starts_with("<!DOCTYPE html>"));
  CHECK(page.ends_with("</html>\n"));
  set_io_hook([](const char* call, size_t&) { return std::string(call) == "fdatasync" ? 28 : 0; });
  const std::string message =
      message_of<IoError>([&] { write_report_page(folder / "report.html", {read_run(folder.path())}); });
  set_io_hook({});
  CHECK(contains(message, "report.html"));
  CHECK_EQ(read_file(folder / "report.html", 1 << 24), page);
}
