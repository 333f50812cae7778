// Outputs of programs: checked before the work, the checkpoint saved first, and written by one process at a time.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/training/run/output_files.h>
#include <ditharos/training/run/run_folder.h>
#include "tests/support/data_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

/// Every file below a folder, with its bytes.
std::map<std::string, std::string> contents_of(const std::string& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) contents[entry.path().string()] = read_file(entry.path().string(), 1 << 24);
  return contents;
}

/// Those of them that do not hold times.
std::map<std::string, std::string> reproducible_contents_of(const std::string& folder) {
  std::map<std::string, std::string> contents = contents_of(folder);
  std::erase_if(contents, [](const auto& file) { return !is_reproducible(file.first); });
  return contents;
}

int64_t checkpoints_in(const std::string& run) {
  if (!fs::is_directory(run + "/checkpoints")) return 0;
  const fs::directory_iterator files(run + "/checkpoints");
  return std::count_if(begin(files), end(files), [](const auto& f) { return f.path().extension() == ".ckpt"; });
}

}  // namespace

TEST_CASE("regression 2: an output that cannot be written is named before the first step of training") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  for (const SmallProgram& p : small_programs(images, run)) {
    CAPTURE(std::string(p.name));
    const auto refused = [&](const Arguments& more, const std::string& path) {
      const Outcome outcome = run_program(p.name, with(p.arguments, with({"--steps", "4"}, more)));
      CHECK_EQ(outcome.status, 1);
      CHECK_MESSAGE(contains(outcome.output, path), outcome.output);
      CHECK_MESSAGE(!contains(outcome.output, "step 1/4"), outcome.output);
      CHECK_EQ(checkpoints_in(run), 0);
      fs::remove_all(run);
    };
    fs::create_directories(run + "/" + p.samples);
    refused({}, p.samples);
    fs::create_directories(run + "/config.toml");
    refused({}, "config.toml");
    fs::create_directories(run + "/metrics.jsonl");
    refused({}, "metrics.jsonl");
    fs::create_directories(run);
    write_bytes(run + "/checkpoints", "");
    refused({}, run + "/checkpoints");
    refused({"--profile", folder / "missing/t.json"}, folder / "missing/t.json");
    fs::create_directories(folder / "t.json");
    refused({"--profile", folder / "t.json"}, folder / "t.json");
    fs::remove_all(folder / "t.json");
    if (std::string(p.name) == "train_video")
      refused({"--export", folder / "missing/a.safetensors"}, folder / "missing/a.safetensors");
  }
}

TEST_CASE("regression 2: the checkpoint is saved before samples are drawn, so drawing them may fail") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  for (SmallProgram& p : small_programs(images, run)) {
    CAPTURE(std::string(p.name));
    const Arguments arguments = with(p.arguments, {"--steps", "4", "--sample-every", "2", "--resume", "auto"});
    fs::remove_all(run);
    REQUIRE_EQ(run_program(p.name, arguments).status, 0);
    const auto whole = reproducible_contents_of(run);
    fs::remove_all(run);
    // The grid cannot replace its file, as if the sampler had thrown.
    fs::create_directories(run);
    Program program(p.name, arguments);
    for (int i = 0; i < 2000 && !fs::exists(run + "/config.toml"); ++i) ::usleep(1000);
    fs::create_directories(run + "/" + p.samples);
    const Outcome failed = program.wait();
    CHECK_EQ(failed.status, 1);
    CHECK_MESSAGE(contains(failed.output, p.samples), failed.output);
    CHECK_GE(checkpoints_in(run), 1);
    // Once the way is free the run goes on, and ends as if nothing had happened.
    fs::remove_all(run + "/" + p.samples);
    CHECK_EQ(run_program(p.name, arguments).status, 0);
    const bool as_if_never_stopped = reproducible_contents_of(run) == whole;
    CHECK(as_if_never_stopped);
  }
}

TEST_CASE("regression 2: a profile of a short run records the steps that there are") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run", trace = folder / "t.json";
  write_images(images, {"cat", "dog"}, 4);
  for (const char* steps : {"2", "3", "9"}) {
    const Outcome outcome = run_program(
        "train_dit", small_dit(images, run + steps, {"--steps", steps, "--warmup", "0", "--profile", trace}));
    CHECK_MESSAGE(outcome.status == 0, outcome.output);
    CHECK_EQ(checkpoints_in(run + steps), 1);
    CHECK(fs::exists(trace));
    fs::remove(trace);
  }
  const Arguments again = {"--steps", "3", "--resume", "auto", "--profile", trace, "--warmup", "0"};
  const Outcome nothing_left = run_program("train_dit", small_dit(images, run + "3", again));
  CHECK_MESSAGE(nothing_left.status == 0, nothing_left.output);
  CHECK_MESSAGE(contains(nothing_left.output, "trace:      none"), nothing_left.output);
}

TEST_CASE("regression 2: programs that draw, evaluate or export refuse an output that cannot be written at once") {
  const TemporaryFolder folder;
  const std::string missing = folder / "missing/a";
  // The checkpoint does not exist either: that the output is named shows that it was looked at first.
  const auto refused = [&](const std::string& program, const Arguments& arguments, const std::string& path) {
    const Outcome outcome = run_program(program, with({"--checkpoint", folder / "none"}, arguments));
    CHECK_EQ(outcome.status, 1);
    CHECK_MESSAGE(contains(outcome.output, path), outcome.output);
  };
  refused("sample_dit", {"--out", missing + ".png"}, missing + ".png");
  write_bytes(folder / "file", "");
  refused("sample_dit", {"--out", folder / "a.png", "--folder", folder / "file/x"}, folder / "file/x");
  refused("sample_video", {"a boot", "--out", missing + ".webp"}, missing + ".webp");
  refused("sample_video", {"a boot", "a bag", "--out", missing + ".gif"}, missing + "-1.gif");
  refused("sample_video", {"a boot", "--out", missing}, missing);
  fs::create_directories(folder / "full");
  write_bytes(folder / "full/notes.txt", "");
  refused("sample_video", {"a boot", "--out", folder / "full"}, "notes.txt, which is no frame of a clip");
  refused("sample_video", {"a boot", "--out", folder / "a.gif", "--grid", missing + ".png"}, missing + ".png");
  refused("sample_video", {"a boot", "--out", folder / "a.gif", "--strip", missing + ".png"}, missing + ".png");
  refused("export_video", {"--out", missing + ".safetensors"}, missing + ".safetensors");
  refused("evaluate", {"--json", missing + ".json"}, missing + ".json");
  refused("evaluate_video", {"--json", missing + ".json"}, missing + ".json");
  refused("evaluate_video", {"--grid", missing + ".png"}, missing + ".png");
  CHECK(!fs::exists(folder / "a.png"));
}

TEST_CASE("regression 2: what exists where an output is tried stays as it is") {
  const TemporaryFolder folder;
  write_bytes(folder / "a.png", "old");
  training::check_output_file(folder / "a.png");
  training::check_output_file(folder / "new.png");
  training::check_output_file("");
  training::check_output_folder(folder / "deep/er");
  CHECK(contents_of(folder.path()) == std::map<std::string, std::string>{{folder / "a.png", "old"}});
  CHECK(!fs::exists(folder / "deep"));
  CHECK_THROWS_AS(training::check_output_file(folder.path()), IoError);
  CHECK_THROWS_AS(training::check_output_file(folder / "a.png/b"), IoError);
  CHECK_THROWS_AS(training::check_output_folder(folder / "a.png"), IoError);
}

TEST_CASE("regression 3: a second process on a run changes nothing in its folder") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  for (const SmallProgram& p : small_programs(images, run)) {
    CAPTURE(std::string(p.name));
    fs::remove_all(run);
    Program living(p.name,
                   with(p.arguments, {"--steps", "1000000", "--checkpoint-every", "1", "--keep-checkpoints", "5"}));
    for (int i = 0; i < 60000 && checkpoints_in(run) < 5; ++i) ::usleep(1000);
    living.signal(SIGSTOP);
    ::usleep(50000);
    const auto before = contents_of(run);
    for (const char* resume : {"auto", "none"}) {
      const Outcome second =
          run_program(p.name, with(p.arguments, {"--steps", "6", "--keep-checkpoints", "1", "--resume", resume}));
      CHECK_EQ(second.status, 1);
      CHECK_MESSAGE(contains(second.output, "another process is training in " + run), second.output);
      const bool unchanged = contents_of(run) == before;
      CHECK(unchanged);
    }
  }
}

TEST_CASE("regression 3: a run folder is locked by one process until it ends") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  Program first("train_dit", small_dit(images, run, {"--steps", "1000000"}));
  REQUIRE(first.wait_for("step 1/"));
  CHECK_THROWS_AS(training::RunLock{run}, IoError);
  first.signal(SIGKILL);
  first.wait();
  const training::RunLock lock(run);
  CHECK_THROWS_AS(training::RunLock{run}, IoError);
}
