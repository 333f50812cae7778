// Programs whose N-th call to the system fails: nothing that was saved is lost, and the program says what happened.
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>

#include <ditharos/tensor/io/file.h>
#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include "tests/reliability/fault_runs.h"
#include "tests/support/data_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

using Files = std::map<std::string, std::string>;

/// Without the files that a run writes for people alone, and can do without.
Files needed(Files files) {
  std::erase_if(files,
                [](const auto& file) { return file.first.starts_with("samples/") || file.first == "metrics.csv"; });
  return files;
}

/// The checkpoints alone. A run that passed over its newest checkpoint has repeated the last step of an earlier one,
/// whose samples were measured there and are not in the middle of a longer run.
Files checkpoints(Files files) {
  std::erase_if(files, [](const auto& file) { return !file.first.starts_with("checkpoints/"); });
  return files;
}

const std::vector<std::string> io_calls{"open", "read", "write", "sync", "rename", "truncate", "mmap"};
const std::vector<std::string> allocations{"allocate", "new"};

/// How a call of this kind fails, in turn.
std::vector<std::string> ways(const std::string& call) {
  const std::string full = std::to_string(ENOSPC), broken = std::to_string(EIO), files = std::to_string(EMFILE);
  if (call == "write") return {full, "short", full + "+", broken};
  if (call == "open") return {files, broken};
  if (call == "allocate" || call == "new") return {"0", "0+"};
  return {broken};
}

/// `most` numbers from 1 to `count`, evenly spaced; all of them if there are no more.
std::vector<uint64_t> spread(uint64_t count, uint64_t most) {
  std::vector<uint64_t> numbers;
  const uint64_t n = std::min(count, most);
  for (uint64_t i = 0; i < n; ++i) numbers.push_back(1 + i * count / n);
  return numbers;
}

struct Tally {
  int trials = 0, failed = 0, unharmed = 0, aborted = 0;
};

/// libstdc++'s iteration over directories and oneDNN 2.6 end the process when operator new throws inside of them.
/// Clang's OpenMP opens files when it begins and ends the process, with a sentence of its own, when it cannot.
bool is_abort_of_a_library(const Fault& fault, const Outcome& outcome) {
  return (fault.call == "new" && outcome.status == 128 + SIGABRT) ||
         (outcome.status > 128 && contains(outcome.output, "OMP: Error #"));
}

/// The last line says which program and what.
bool says_what_happened(const std::string& program, const std::string& output) {
  const size_t at = output.rfind(program + ": ");
  return at != std::string::npos && output.size() > at + program.size() + 8 && output.back() == '\n';
}

/// A training program at step 2, resumed to step 4 with one failing call at a time.
Tally fail_training(const SmallProgram& program, const std::vector<std::string>& calls, uint64_t most) {
  const TemporaryFolder folder;
  const std::string base = folder / "base", run = folder / "run";
  const auto arguments = [&](const std::string& out, const char* steps) {
    Arguments all = with(program.arguments, {"--steps", steps, "--checkpoint-every", "1", "--resume", "auto"});
    *(std::find(all.begin(), all.end(), "--out") + 1) = out;
    return all;
  };
  const auto reset = [&] {
    fs::remove_all(run);
    fs::copy(base, run, fs::copy_options::recursive);
  };
  REQUIRE_EQ(run_program(program.name, arguments(base, "2")).status, 0);
  reset();
  const auto counts = count_calls(program.name, arguments(run, "4"));
  const auto whole = files_in(run);
  Tally tally;
  for (const std::string& call : calls) {
    const std::vector<std::string> how = ways(call);
    for (const uint64_t at : spread(counts.at(call), most)) {
      const Fault fault{call, at, how[size_t(tally.trials) % how.size()]};
      const std::string text = fault.text();
      CAPTURE(text);
      CAPTURE(std::string(program.name));
      reset();
      const Outcome outcome = run_with_fault(program.name, arguments(run, "4"), fault);
      ++tally.trials;
      const bool aborted = is_abort_of_a_library(fault, outcome);
      tally.aborted += aborted;
      CHECK_MESSAGE((outcome.status <= 2 || aborted), outcome.status << ": " << outcome.output);
      const training::LatestCheckpoint latest = training::latest_valid(run + "/checkpoints");
      CHECK(latest.rejected.empty());
      REQUIRE(latest.state);
      CHECK(latest.state->step >= 2);
      if (outcome.status == 0) {
        ++tally.unharmed;
        // Files for people alone may be missing when a sentence says so, and samples of a step whose checkpoint was
        // passed over.
        CHECK_MESSAGE(
            (differing_files(whole, files_in(run)).empty() || contains(outcome.output, "note: ") ||
             contains(outcome.output, "training goes on without ") || contains(outcome.output, "passing over: ")),
            outcome.output);
        const auto compared = contains(outcome.output, "passing over: ") ? checkpoints : needed;
        CHECK(differing_files(compared(whole), compared(files_in(run))) == "");
        continue;
      }
      ++tally.failed;
      if (!aborted) CHECK_MESSAGE(says_what_happened(program.name, outcome.output), outcome.output);
      const Outcome again = run_program(program.name, arguments(run, "4"));
      CHECK_MESSAGE(again.status == 0, again.output);
      CHECK(differing_files(needed(whole), needed(files_in(run))) == "");
    }
  }
  return tally;
}

void fail_all_training(const std::vector<std::string>& calls, uint64_t most, bool all_programs, int least_failures) {
  if (fault_library().empty()) {
    MESSAGE("skipped: the library of faults is not built under a sanitizer");
    return;
  }
  const TemporaryFolder folder;
  const std::string images = folder / "images";
  write_images(images, {"cat", "dog"}, 4);
  for (const SmallProgram& program : small_programs(images, folder / "run")) {
    const Tally tally = fail_training(program, calls, most);
    MESSAGE(std::string(program.name) << ": " << tally.trials << " faults, " << tally.failed << " ended the run, "
                                      << tally.unharmed << " did no harm, " << tally.aborted
                                      << " aborted in a library");
    CHECK(tally.failed >= least_failures);
    CHECK(tally.aborted <= tally.trials / 10);
    if (!all_programs) return;
  }
}

/// A program that writes one file, over an older one, with one failing call at a time: the file is the old one or the
/// new one, and the status is 0 only with the new one.
Tally fail_writer(const std::string& program, const Arguments& arguments, const std::string& out, uint64_t most) {
  const std::string old = "an older file";
  constexpr uint64_t most_bytes = 1 << 26;
  write_bytes(out, old);
  const auto counts = count_calls(program, arguments);
  const std::string made = read_file(out, most_bytes);
  REQUIRE(made != old);
  Tally tally;
  for (const auto& [call, count] : counts) {
    const std::vector<std::string> how = ways(call);
    for (const uint64_t at : spread(count, most)) {
      const Fault fault{call, at, how[size_t(tally.trials) % how.size()]};
      const std::string text = program + " " + fault.text();
      CAPTURE(text);
      write_bytes(out, old);
      const Outcome outcome = run_with_fault(program, arguments, fault);
      const std::string now = read_file(out, most_bytes);
      ++tally.trials;
      const bool aborted = is_abort_of_a_library(fault, outcome);
      CHECK_MESSAGE((outcome.status <= 2 || aborted), outcome.status << ": " << outcome.output);
      CHECK((now == old || now == made));
      if (outcome.status == 0) {
        ++tally.unharmed;
        CHECK(now == made);
      } else {
        ++tally.failed;
        if (!aborted) CHECK_MESSAGE(says_what_happened(program, outcome.output), outcome.output);
      }
    }
  }
  return tally;
}

void fail_writers(uint64_t most) {
  if (fault_library().empty()) return;
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  REQUIRE_EQ(run_program("train_dit", small_dit(images, run, {"--steps", "2"})).status, 0);
  const std::string weights = folder / "model.safetensors";
  REQUIRE_EQ(run_program("checkpoint", {"export", run, "--out", weights}).status, 0);
  struct Writer {
    const char* program;
    Arguments arguments;
    std::string out;
  };
  const std::string png = folder / "a.png", exported = folder / "a.safetensors", mean = folder / "mean.ckpt";
  for (const Writer& w : std::vector<Writer>{
           {"sample_dit",
            {"--checkpoint", run, "--out", png, "--sampling-steps", "1", "--per-class", "1", "--threads", "1"},
            png},
           {"checkpoint", {"extract-ema", run, "--out", exported}, exported},
           {"checkpoint", {"average", run, run, "--out", mean}, mean},
           {"zoo", {"convert", weights, exported, "--dtype", "f16"}, exported}}) {
    const Tally tally = fail_writer(w.program, w.arguments, w.out, most);
    MESSAGE(std::string(w.program) << " " << w.arguments[0] << ": " << tally.trials << " faults, " << tally.failed
                                   << " with another status than 0, " << tally.unharmed << " did no harm");
    CHECK(tally.failed > 10);
  }
}

}  // namespace

TEST_CASE("R4: a training program whose N-th call to the system fails loses nothing that was saved") {
  fail_all_training(io_calls, 6, false, 15);
}

TEST_CASE("R4: training programs with every call to the system failing once lose nothing that was saved [slow]") {
  fail_all_training(io_calls, 100000, true, 100);
}

TEST_CASE("R10: a training program whose N-th allocation fails ends with a message and intact checkpoints") {
  fail_all_training(allocations, 15, false, 15);
}

TEST_CASE("R10: training programs with one of many allocations failing end with intact checkpoints [slow]") {
  fail_all_training(allocations, 400, true, 400);
}

TEST_CASE("R4: programs that write a file leave the old one or the new one, whichever call fails") { fail_writers(4); }

TEST_CASE("R4: programs that write a file leave the old one or the new one, at many more calls [slow]") {
  fail_writers(150);
}
