// What a run's folder holds for people: it follows metrics.jsonl, through resumes too, and its faults stop no training.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <optional>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/training/report/run_data.h>
#include <ditharos/training/report/run_record.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/training/report/event_records.h"

using namespace ditharos;
using namespace ditharos::training;
using tests::contains;
using tests::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

struct Notes : Reporter {
  std::string text;
  void note(const std::string& sentence) override { text += sentence + "\n"; }
};

/// The steps from `began` to `end` of a run, as the loop makes them: a line each, samples at every fifth step.
void run_steps(const std::string& path, int64_t began, int64_t end, Reporter& reporter = silent(),
               bool tensorboard = true) {
  const RunFolder folder(path);
  StepLog metrics(folder.file(metrics_file), began > 0 ? began : -1);
  RunRecord record(folder, {.began = began, .samples_per_step = 4, .tensorboard = tensorboard}, reporter);
  const auto log = [&](int64_t step, const JsonObject& figures) {
    metrics.append(step, figures);
    record.logged(step, figures);
  };
  for (int64_t step = began + 1; step <= end; ++step) {
    record.step_begins();
    record.step_ends();
    log(step, JsonObject().add("loss", 1.0 / double(step)).add("bins", JsonObject().add("0", .1 * double(step))));
    if (step % 5 != 0) continue;
    data::write_png(folder.file("samples.png"), full({1, 4, 6}, double(step), DType::u8));
    log(step, JsonObject().add("score", double(step) / 3));
    record.sampled(step, folder.file("samples.png"));
  }
  const std::string report = record.finish();
  CHECK((report.empty() || report == folder.file(report_file)));
}

std::string text_of(const std::string& path) { return read_file(path, 1 << 24); }

/// The events of the only event file: a value for each tag and step. A second value of a step is a fault.
std::map<std::string, std::map<int64_t, float>> scalars_of(const std::string& folder) {
  const std::vector<std::string> files = list_event_files(folder);
  REQUIRE_EQ(files.size(), 1u);
  std::map<std::string, std::map<int64_t, float>> scalars;
  for (const tests::ReadEvent& event : tests::read_events(text_of(files[0])))
    for (const auto& [tag, value] : event.scalars) CHECK(scalars[tag].emplace(event.step, value).second);
  return scalars;
}

std::map<int64_t, std::string> images_of(const std::string& folder) {
  std::map<int64_t, std::string> images;
  for (const tests::ReadEvent& event : tests::read_events(text_of(list_event_files(folder).at(0))))
    for (const auto& [tag, png] : event.images) CHECK(images.emplace(event.step, png).second);
  return images;
}

}  // namespace

TEST_CASE("run record: csv, events and samples hold what metrics.jsonl and the samples hold") {
  const TemporaryFolder folder;
  run_steps(folder.path(), 0, 12);
  CHECK_EQ(text_of(folder / "metrics.csv").substr(0, 22), "step,loss,bins/0,score");
  CHECK(contains(text_of(folder / "metrics.csv"), "\n10,0.1,1.0,3.3333333333333335\n11,"));

  const MetricsTable metrics = read_metrics(folder / metrics_file);
  auto scalars = scalars_of(folder.path());
  CHECK_EQ(scalars.at("samples_per_second").size(), 12u);
  scalars.erase("samples_per_second");
  size_t figures = 0;
  for (const MetricsRow& row : metrics.rows)
    for (const Figure& figure : row.figures) {
      CHECK_EQ(scalars.at(metrics.columns[figure.column]).at(row.step), static_cast<float>(figure.value));
      ++figures;
    }
  CHECK_EQ(figures, 12u * 2 + 2);
  CHECK_EQ(scalars.size(), 3u);

  const std::vector<KeptSample> samples = list_samples(folder / sample_folder);
  REQUIRE_EQ(samples.size(), 2u);
  CHECK(samples[1].path.ends_with("/samples/step_00000010.png"));
  CHECK_EQ(text_of(samples[1].path), text_of(folder / "samples.png"));
  CHECK_EQ(images_of(folder.path()).at(10), text_of(samples[1].path));
  const MetricsTable timing = read_metrics(folder / timing_file);
  CHECK(timing.columns == std::vector<std::string>{"time", "seconds", "samples_per_second"});
  CHECK_EQ(timing.rows.size(), 12u);
}

TEST_CASE("run record: after a resume everything is as if the run had not been stopped") {
  const TemporaryFolder whole, cut;
  run_steps(whole.path(), 0, 20);
  run_steps(cut.path(), 0, 17);   // its last checkpoint is of step 10
  run_steps(cut.path(), 10, 13);  // and again
  run_steps(cut.path(), 10, 20);
  for (const char* const file : {"metrics.jsonl", "metrics.csv", "samples/step_00000005.png",
                                 "samples/step_00000010.png", "samples/step_00000015.png", "samples/step_00000020.png"})
    CHECK_EQ(text_of(whole / file), text_of(cut / file));
  auto expected = scalars_of(whole.path()), found = scalars_of(cut.path());
  CHECK_EQ(found.at("samples_per_second").size(), 20u);
  expected.erase("samples_per_second");
  found.erase("samples_per_second");
  CHECK(found == expected);
  CHECK(images_of(cut.path()) == images_of(whole.path()));

  const std::vector<Session> sessions = read_sessions(cut / session_file);
  REQUIRE_EQ(sessions.size(), 3u);
  CHECK(sessions[2][1] == std::pair<std::string, std::string>("from_step", "10"));
  for (const char* const name :
       {"started", "command", "version", "build", "compiler", "kernels", "threads", "matrix_products", "system"})
    CHECK_MESSAGE(contains(text_of(cut / session_file), std::string("\n") + name + " = \""), name);
  run_steps(cut.path(), 0, 2);  // a new run in the folder
  CHECK_EQ(read_sessions(cut / session_file).size(), 1u);
  CHECK_EQ(list_samples(cut / sample_folder).size(), 0u);
  CHECK_EQ(scalars_of(cut.path()).at("loss").size(), 2u);
}

TEST_CASE("run record: a run that goes back to a checkpoint drops what came after it") {
  const TemporaryFolder path;
  const RunFolder folder(path.path());
  std::optional<StepLog> metrics(std::in_place, folder.file(metrics_file), -1);
  RunRecord record(folder, {}, silent());
  const auto step = [&](int64_t number) {
    record.step_begins();
    record.step_ends();
    const JsonObject figures = JsonObject().add("loss", number);
    metrics->append(number, figures);
    record.logged(number, figures);
  };
  for (int64_t i = 1; i <= 8; ++i) step(i);
  metrics.emplace(folder.file(metrics_file), 5);
  record.rewind(5);
  step(6);
  record.finish();
  CHECK_EQ(scalars_of(path.path()).at("loss").size(), 6u);
  CHECK_EQ(scalars_of(path.path()).at("samples_per_second").size(), 6u);
  CHECK_EQ(read_metrics(path / timing_file).rows.size(), 6u);
  CHECK(text_of(path / "metrics.csv").ends_with("\n5,5\n6,6\n"));
}

TEST_CASE("run record: files that cannot be written are noted, once, and training goes on") {
  const TemporaryFolder folder;
  for (const char* const name : {"metrics.csv", "timing.jsonl", "env.txt", "report.html"})
    fs::create_directories(folder / name);
  tests::write_bytes(folder / "samples", "a file");
  Notes notes;
  run_steps(folder.path(), 0, 12, notes);
  for (const char* const name : {"metrics.csv", "timing.jsonl", "env.txt", "report.html", "samples"})
    CHECK_MESSAGE(tests::occurrences(notes.text, std::string("training goes on without ") + name + ": ") == 1,
                  notes.text);
  CHECK_EQ(read_metrics(folder / metrics_file).rows.size(), 14u);
  CHECK_EQ(scalars_of(folder.path()).at("loss").size(), 12u);
}

TEST_CASE("run record: without TensorBoard there are no events, and later sessions may write all of them") {
  const TemporaryFolder folder;
  run_steps(folder.path(), 0, 6, silent(), false);
  CHECK(list_event_files(folder.path()).empty());
  run_steps(folder.path(), 6, 8);
  CHECK_EQ(scalars_of(folder.path()).at("loss").size(), 8u);
  CHECK(images_of(folder.path()).count(5) == 1);
}

TEST_CASE("run record: a session list is bounded") {
  const TemporaryFolder folder;
  std::vector<Session> sessions;
  for (int i = 0; i < 300; ++i) sessions.push_back({{"number", std::to_string(i)}, {"long", std::string(5000, '"')}});
  write_sessions(folder / "env.txt", sessions);
  const std::vector<Session> read = read_sessions(folder / "env.txt");
  REQUIRE_EQ(read.size(), 200u);
  CHECK_EQ(read[0][0].second, "0");
  CHECK_EQ(read[1][0].second, "101");
  CHECK_EQ(read[199][0].second, "299");
  CHECK_EQ(read[0][1].second, std::string(4096, '"'));
}
