// The folder of checkpoints: rotation, damaged files, and kill -9 at any instant of a save (R1).
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>

#include <doctest/doctest.h>

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/random.h>
#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include "tests/support/checkpoint_states.h"
#include "tests/support/temporary_folder.h"

namespace fs = std::filesystem;
using namespace ditharos;
using tests::state_at;
using training::CheckpointFolder;
using training::latest_valid;

namespace {

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

void damage(const std::string& path) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(-120, std::ios::end);
  file.put('\x55');
}

constexpr int64_t elements = 5000;

// Turns a state_at() into that of state.step, without a kernel and its threads.
void refill(const training::TrainState& state) {
  for (const auto& [name, tensor] : state.model) {
    std::fill_n(tensor.mutable_data<float>(), tensor.numel(), float(state.step));
  }
  *state.optimizer[0].tensor.mutable_data<int64_t>() = state.step;
}

// Saves step after step in a child process, which reports each finished one through a pipe. `before_save` runs in the
// child before each save and may end it.
struct Saver {
  Saver(const std::string& directory, int64_t first_step, const std::function<void(int64_t)>& before_save) {
    // Made here: the child must not start threads, since a fork copies only the one that calls it.
    training::TrainState state = state_at(first_step, elements);
    REQUIRE(::pipe(pipe_) == 0);
    pid_ = ::fork();
    if (pid_ != 0) {
      ::close(pipe_[1]);
      return;
    }
    try {
      CheckpointFolder folder(directory);
      for (;; ++state.step) {
        refill(state);
        before_save(state.step);
        folder.save(state);
        if (::write(pipe_[1], &state.step, sizeof state.step) != ssize_t(sizeof state.step)) break;
      }
    } catch (...) {
    }
    ::_exit(1);
  }
  // Waits for one report, or for the end of the child; false at its end.
  bool wait_for_report() { return ::read(pipe_[0], &reported_, sizeof reported_) == ssize_t(sizeof reported_); }
  // Waits for the end of the child, which must have come by SIGKILL; the last step that it reported, or -1.
  int64_t last_reported() {
    while (wait_for_report()) continue;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    ::close(pipe_[0]);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(WTERMSIG(status) == SIGKILL);
    return reported_;
  }

  int64_t reported_ = -1;
  pid_t pid_ = -1;
  int pipe_[2] = {-1, -1};
};

// What a program does at its start after a crash. Returns the step that it would go on from, -1 for none.
int64_t recover(const std::string& directory) {
  const CheckpointFolder folder(directory);
  const training::LatestCheckpoint latest = latest_valid(directory);
  CHECK(latest.rejected.empty());  // a killed save leaves no damaged checkpoint, only a temporary
  const auto names = names_in(directory);
  CHECK(names.size() <= 2);
  for (const std::string& name : names) CHECK(name.starts_with("step_"));  // temporaries are swept
  if (!latest.state) return -1;
  CHECK(tests::first_difference(*latest.state, state_at(latest.state->step, elements)).empty());
  return latest.state->step;
}

// kill -9 after random times, `kills` times in a row on one folder.
void kill_at_random(int kills) {
  const tests::TemporaryFolder folder;
  Generator rng(11);
  int64_t last = 0;
  int advanced = 0, interrupted = 0;
  for (int i = 0; i < kills; ++i) {
    Saver saver(folder.path(), last + 1, [](int64_t) {});
    if (i % 2 == 0) REQUIRE(saver.wait_for_report());  // so that every other one gets beyond its first save
    ::usleep(useconds_t(rng.uniform() * 8000));
    ::kill(saver.pid_, SIGKILL);
    const int64_t reported = saver.last_reported();
    for (const std::string& name : names_in(folder.path())) interrupted += !name.starts_with("step_");
    const int64_t found = std::max<int64_t>(recover(folder.path()), 0);
    CHECK(found >= std::max(reported, last));  // nothing that was once saved is lost
    advanced += found > last;
    last = found;
  }
  CHECK(advanced >= kills / 2);
  CHECK((kills < 100 || interrupted > 0));  // that kills do come during saves
}

}  // namespace

TEST_CASE("checkpoint folder: keeps the last two, names them by step, finds the newest") {
  const tests::TemporaryFolder temporary;
  const std::string directory = temporary / "run/checkpoints";
  CHECK(!latest_valid(directory).state);
  CheckpointFolder folder(directory);
  CHECK(!latest_valid(directory).state);
  std::ofstream(directory + "/notes.txt") << "mine";
  std::ofstream(directory + "/step_x.ckpt") << "mine";
  CHECK(folder.save(state_at(90, 10)) == directory + "/step_00000090.ckpt");
  folder.save(state_at(100, 10));
  folder.save(state_at(1000000000, 10));
  CHECK(names_in(directory) ==
        std::vector<std::string>{"notes.txt", "step_00000100.ckpt", "step_1000000000.ckpt", "step_x.ckpt"});
  const training::LatestCheckpoint latest = latest_valid(directory);
  CHECK(latest.path == folder.path_of(1000000000));
  CHECK(latest.rejected.empty());
  REQUIRE(latest.state);
  CHECK(tests::first_difference(*latest.state, state_at(1000000000, 10)).empty());

  // Going back: files of later steps are someone's; they stay.
  folder.save(state_at(95, 10));
  folder.save(state_at(96, 10));
  folder.save(state_at(97, 10));
  CHECK(names_in(directory) == std::vector<std::string>{"notes.txt", "step_00000096.ckpt", "step_00000097.ckpt",
                                                        "step_00000100.ckpt", "step_1000000000.ckpt", "step_x.ckpt"});
  CHECK_THROWS_AS(CheckpointFolder(directory, 0), ConfigError);
  CHECK_THROWS_AS(CheckpointFolder(directory + "/notes.txt"), IoError);
  CHECK_THROWS_AS(latest_valid(directory + "/notes.txt"), IoError);
  CHECK_THROWS_AS(folder.save(state_at(-1, 10)), Error);
}

TEST_CASE("checkpoint folder: damaged files are passed over with a reason, and never count among those kept") {
  const tests::TemporaryFolder temporary;
  CheckpointFolder folder(temporary.path());
  folder.save(state_at(1, 100));
  folder.save(state_at(2, 100));
  damage(folder.path_of(2));
  training::LatestCheckpoint latest = latest_valid(temporary.path());
  CHECK(latest.path == folder.path_of(1));
  REQUIRE(latest.rejected.size() == 1);
  CHECK(latest.rejected[0].find("damaged checkpoint " + folder.path_of(2) + ": tensor \"") == 0);

  CheckpointFolder next_run(temporary.path());
  next_run.save(state_at(3, 100));
  CHECK(fs::exists(folder.path_of(1)));  // the second good one
  next_run.save(state_at(4, 100));
  CHECK(names_in(temporary.path()) == std::vector<std::string>{"step_00000003.ckpt", "step_00000004.ckpt"});

  damage(folder.path_of(3));
  damage(folder.path_of(4));
  latest = latest_valid(temporary.path());
  CHECK(!latest.state);
  CHECK(latest.path.empty());
  CHECK(latest.rejected.size() == 2);
}

TEST_CASE("R4: a failing save leaves the kept checkpoints, whichever call fails") {
  const tests::TemporaryFolder temporary;
  CheckpointFolder folder(temporary.path());
  folder.save(state_at(1, 100));
  folder.save(state_at(2, 100));
  const auto before = names_in(temporary.path());
  int failures = 0;
  for (int fail_at = 1;; ++fail_at) {
    int calls = 0;
    std::string failed;
    set_io_hook([&](const char* call, size_t&) { return ++calls == fail_at ? (failed = call, EIO) : 0; });
    bool threw = false;
    try {
      folder.save(state_at(3, 100));
    } catch (const IoError&) {
      threw = true;
    }
    set_io_hook({});
    if (!threw) break;
    ++failures;
    CHECK(latest_valid(temporary.path()).path == folder.path_of(failed == "fsync" ? 3 : 2));
    if (failed == "fsync") fs::remove(folder.path_of(3));
    CHECK(names_in(temporary.path()) == before);
  }
  CHECK(failures > 8);
  CHECK(names_in(temporary.path()) == std::vector<std::string>{"step_00000002.ckpt", "step_00000003.ckpt"});
}

TEST_CASE("checkpoint folder: a new file that does not read back removes nothing") {
  const tests::TemporaryFolder temporary;
  CheckpointFolder folder(temporary.path());
  folder.save(state_at(1, 100));
  folder.save(state_at(2, 100));
  set_io_hook([&](const char* call, size_t&) {
    if (std::string(call) == "fsync") damage(folder.path_of(3));  // after the rename, as a failing disk might
    return 0;
  });
  CHECK_THROWS_AS(folder.save(state_at(3, 100)), IoError);
  set_io_hook({});
  CHECK(names_in(temporary.path()).size() == 3);
  CHECK(latest_valid(temporary.path()).path == folder.path_of(2));
}

TEST_CASE("R1: kill -9 before every call of a save loses nothing") {
  const tests::TemporaryFolder temporary;
  int64_t last = 0;
  int kills = 0;
  for (int kill_at = 1;; ++kill_at, ++kills) {
    const int64_t first = last + 1;
    Saver saver(temporary.path(), first, [&](int64_t step) {
      if (step > first + 1) ::kill(::getpid(), SIGKILL);  // past the last call
      if (step == first + 1) {
        set_io_hook([&, calls = 0](const char*, size_t&) mutable {
          if (++calls == kill_at) ::kill(::getpid(), SIGKILL);
          return 0;
        });
      }
    });
    const int64_t reported = saver.last_reported();
    const int64_t found = recover(temporary.path());
    CHECK(found >= reported);
    CHECK(found > last);
    last = found;
    if (reported > first) break;
  }
  CHECK(kills > 8);
}

TEST_CASE("R1: kill -9 at 200 random instants of saves loses nothing") { kill_at_random(200); }

TEST_CASE("R1: kill -9 at 1,000 random instants of saves loses nothing [slow]") { kill_at_random(1000); }

TEST_CASE("checkpoint folder: temporaries of killed writers are swept, those of living ones are not") {
  const tests::TemporaryFolder temporary;
  AtomicFile living(temporary / "other");
  Saver saver(temporary.path(), 1, [](int64_t) {
    set_io_hook([](const char* call, size_t&) {
      if (std::string(call) == "fdatasync") ::kill(::getpid(), SIGKILL);
      return 0;
    });
  });
  CHECK(saver.last_reported() == -1);
  CHECK(names_in(temporary.path()).size() == 2);
  const CheckpointFolder folder(temporary.path());
  CHECK(names_in(temporary.path()).size() == 1);
  living.commit();
}
