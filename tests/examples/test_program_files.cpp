// Files that programs write: no output is an input, and temporaries of killed programs are removed.
#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include <ditharos/training/run/json.h>
#include <ditharos/training/run/step_log.h>
#include "examples/cli/outputs.h"
#include "tests/support/checkpoint_states.h"
#include "tests/support/page_text.h"
#include "tests/support/paths.h"
#include "tests/support/small_dit_run.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using examples::check_outputs;
using tests::contains;
using tests::message_of;
using tests::Outcome;

namespace fs = std::filesystem;

namespace {

void write_text(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
int64_t entries(const std::string& folder) { return std::distance(fs::directory_iterator(folder), {}); }

/// Runs work() in a process that is killed when it returns.
template <class F>
void killed_after(const F& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
}

}  // namespace

TEST_CASE("regression 7: one file under all of its names") {
  const tests::TemporaryFolder folder;
  write_text(folder / "a", "1");
  write_text(folder / "b", "1");
  fs::create_symlink("a", folder / "link");
  fs::create_hard_link(folder / "a", folder / "hard");
  fs::create_directory(folder / "in");
  fs::create_directory_symlink("in", folder / "other");
  for (const char* name : {"a", "./a", "in/../a", "link", "hard", "other/../a"})
    CHECK(same_file(folder / "a", folder / name));
  for (const char* name : {"b", "in", "none", ""}) CHECK_FALSE(same_file(folder / "a", folder / name));
  CHECK(same_file(folder / "in/new", folder / "other/new"));
  CHECK(same_file(folder / "new", folder / "in/../new/"));
  CHECK_FALSE(same_file(folder / "in/new", folder / "new"));
}

TEST_CASE("regression 7: an output that is an input is refused, whatever it is called") {
  const tests::TemporaryFolder folder;
  fs::create_directories(folder / "run/checkpoints");
  fs::create_directories(folder / "images/dog");
  const std::string checkpoint = folder / "run/checkpoints/step_00000002.ckpt", image = folder / "images/dog/0.png";
  write_text(checkpoint, "c");
  write_text(image, "i");
  fs::create_hard_link(checkpoint, folder / "hard.png");
  fs::create_symlink(checkpoint, folder / "link.png");
  using examples::NamedInput;
  const NamedInput file{"--checkpoint", checkpoint, true}, run{"--checkpoint", folder / "run", true},
      images{"--data", folder / "images"};
  const auto refused = [](const examples::NamedOutput& output, const NamedInput& input) {
    return contains(message_of<ConfigError>([&] { check_outputs({output}, {input}); }), "would write over");
  };
  for (const std::string& name : {checkpoint, folder / "hard.png", folder / "link.png"}) {
    CHECK(refused({"--out", name}, file));
    CHECK(refused({"--out", name}, run));
  }
  CHECK_FALSE(refused({"--out", folder / "run/samples.png"}, run));
  CHECK(refused({"--out", folder / "run", true}, run));
  CHECK(refused({"--json", image}, images));
  CHECK_FALSE(refused({"--json", folder / "images/new.json"}, images));
  CHECK(refused({"--out", folder / "images/run", true}, images));
  CHECK(refused({"--out", folder / "images", true}, images));
  CHECK_FALSE(refused({"--out", folder / "images2", true}, images));
  CHECK_FALSE(refused({"--out", folder.path(), true}, images));
  CHECK_FALSE(refused({"--out", ""}, images));
  CHECK_FALSE(refused({"--out", "shapes", true}, {"--data", "shapes"}));  // a name, and no file
  CHECK(contains(message_of<ConfigError>(
                     [&] { check_outputs({{"--out", folder / "a.png"}, {"--grid", folder / "./a.png"}}, {}); }),
                 "--grid and --out name the same file"));
}

TEST_CASE("regression 7: programs refuse to write over what they read, before they work, with status 2") {
  const tests::TemporaryFolder folder;
  const std::string run = tests::train_small_dit(folder.path(), {"dog", "cat"});
  const std::string checkpoint = run + "/checkpoints/step_00000002.ckpt", before = read_file(checkpoint, 1 << 20);
  const std::string model = (fs::path(tests::source_folder()) / "examples/checkpoints/sora.safetensors").string();
  data::write_clip(folder / "a.gif", zeros({2, 3, 32, 32}), 8);
  data::write_clip(folder / "frames", zeros({2, 3, 32, 32}), 8);
  fs::create_symlink(checkpoint, folder / "link.png");
  fs::create_symlink(model, folder / "model.safetensors");
  write_text(folder / "c.toml", "[train]\nsteps = 1\n");
  const auto refuses = [&](const std::string& program, const tests::Arguments& arguments) {
    const Outcome outcome = tests::run_program(program, arguments);
    CHECK_MESSAGE(outcome.status == 2, program, ": ", outcome.output);
    CHECK_MESSAGE(contains(outcome.output, "would write over"), program, ": ", outcome.output);
  };
  refuses("sample_dit", tests::sampling_flags(run, folder / "link.png"));
  refuses("sample_dit", tests::sampling_flags(checkpoint, folder / "link.png"));
  refuses("evaluate", {"--checkpoint", run, "--json", checkpoint});
  refuses("evaluate", {"--data", folder / "images", "--json", folder / "images/dog/0.png"});
  refuses("evaluate_video", {"--checkpoint", model, "--json", folder / "model.safetensors"});
  refuses("export_video", {"--checkpoint", model, "--out", folder / "model.safetensors"});
  refuses("sample_video", {"a red boot", "--checkpoint", model, "--from", folder / "a.gif", "--out", folder / "a.gif"});
  refuses("sample_video",
          {"a red boot", "--checkpoint", model, "--extend", "forwards", folder / "frames", "--out", folder / "frames"});
  refuses("train_dit", tests::small_dit_flags(folder / "images", folder / "images"));
  refuses("train_dit", tests::small_dit_flags(folder / "images", folder / "images/run"));
  refuses("train_dit", {"--config", folder / "c.toml", "--out", folder / "new", "--profile", folder / "c.toml"});
  fs::copy_file(folder / "c.toml", folder / "config.toml");
  refuses("train_dit", {"--config", folder / "config.toml", "--data", "shapes", "--out", folder.path()});
  refuses("train_video", {"--data", folder / "frames", "--start-from", model, "--export", folder / "model.safetensors",
                          "--out", folder / "new"});
  CHECK(read_file(checkpoint, 1 << 20) == before);
  CHECK_FALSE(fs::exists(folder / "new"));
  CHECK(read_file(folder / "c.toml", 100) == "[train]\nsteps = 1\n");
  CHECK(data::read_clip(folder / "a.gif").frames.size(0) == 2);
}

TEST_CASE("regression 8: what killed writers left, files and folders of frames, goes at the next writing there") {
  const tests::TemporaryFolder folder;
  killed_after([&] {
    AtomicFile file(folder / "grid.png");
    file.write("half", 4);
    const TemporaryDirectory frames(folder.path(), "test");
    write_text(frames.path() + "/frame_0000.png", "x");
    ::kill(::getpid(), SIGKILL);
  });
  CHECK(entries(folder.path()) == 2);
  {
    const TemporaryDirectory living(folder.path(), "test");  // the first writing of this process there
    CHECK(entries(folder.path()) == 1);
    write_text(living.path() + "/frame_0000.png", "x");
    CHECK(sweep_temporaries(folder.path()).empty());  // it is in use
  }
  CHECK(entries(folder.path()) == 0);

  // A program does so: nothing but what it wrote is there in the end.
  const std::string run = tests::train_small_dit(folder / "model", {"dog", "cat"});
  killed_after([&] {
    AtomicFile file(folder / "grid.png");
    const TemporaryDirectory frames(folder.path(), "test");
    write_text(frames.path() + "/frame_0000.png", "x");
    ::kill(::getpid(), SIGKILL);
  });
  CHECK(entries(folder.path()) == 3);
  const Outcome outcome = tests::run_program("sample_dit", tests::sampling_flags(run, folder / "grid.png"));
  CHECK_MESSAGE(outcome.status == 0, outcome.output);
  CHECK(entries(folder.path()) == 2);  // the model's folder and the grid

  // What is called so and is none of ours stays: a directory with directories in it.
  fs::create_directories(folder / ".ditharos-tmp-mine/inside");
  CHECK(sweep_temporaries(folder.path()).empty());
  CHECK(fs::exists(folder / ".ditharos-tmp-mine/inside"));
}

TEST_CASE("regression 8: a failed call of the system is reported with its own reason") {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "metrics.jsonl";
  training::StepLog log(path, -1);
  // The log's file is closed behind its back.
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (fs::read_symlink(entry.path(), gone) == path) ::close(std::stoi(entry.path().filename().string()));
  }
  errno = 0;
  CHECK(message_of<IoError>([&] { log.sync(); }) == "cannot write " + path + ": Bad file descriptor");
  errno = 0;
  CHECK(contains(message_of<IoError>([&] { log.append(1, training::JsonObject()); }), ": Bad file descriptor"));
}

TEST_CASE("regression 8: errno is never an argument beside the call that sets it") {
  // The arguments of a function are evaluated in any order: check(call() == 0, ..., errno) may read it before the call.
  int files = 0;
  for (const char* part : {"tensor", "autograd", "nn", "models", "optim", "data", "examples"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(tests::source_folder()) / part)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".h") continue;
      ++files;
      const std::string text = read_file(entry.path().string(), 1 << 22);
      for (size_t at = text.find("check<"); at != std::string::npos; at = text.find("check<", at + 1)) {
        const std::string statement = text.substr(at, text.find(';', at) - at);
        CHECK_MESSAGE(statement.find("errno") == std::string::npos, entry.path().string(), ": ", statement);
      }
    }
  }
  CHECK(files > 300);
}

TEST_CASE("regression 8: as many checkpoints are kept as were asked for, beyond 32 bits too") {
  const tests::TemporaryFolder folder;
  training::CheckpointFolder checkpoints(folder.path(), (int64_t{1} << 32) + 1);
  for (int64_t step = 1; step <= 3; ++step) checkpoints.save(tests::state_at(step, 10));
  CHECK(entries(folder.path()) == 3);

  tests::write_images(folder / "images", {"dog", "cat"});
  tests::Arguments flags = tests::small_dit_flags(folder / "images", folder / "run");
  for (const char* more : {"--keep-checkpoints", "4294967297", "--checkpoint-every", "1", "--steps", "3"})
    flags.push_back(more);
  const Outcome outcome = tests::run_program("train_dit", flags);
  CHECK_MESSAGE(outcome.status == 0, outcome.output);
  CHECK(entries(folder / "run/checkpoints") == 3);
}
