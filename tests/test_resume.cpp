// What --resume takes, what it refuses, and what it says: the training programs from outside.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/tensor/file.h>
#include <ditharos/tests/checkpoint_files.h>
#include <ditharos/tests/small_runs.h>
#include <ditharos/tests/temporary_folder.h>

using namespace ditharos;
using namespace ditharos::tests;

namespace {

constexpr uint64_t most_bytes = 1 << 24;

std::string bytes_of(const std::string& path) { return read_file(path, most_bytes); }

std::string checkpoint(const std::string& run, int64_t step) {
  const std::string digits = std::to_string(step);
  return run + "/checkpoints/step_" + std::string(8 - digits.size(), '0') + digits + ".ckpt";
}

/// As a later version of the library would have written it.
void set_format(const std::string& path, uint32_t format) {
  std::string bytes = bytes_of(path);
  put(bytes, format_at, format);
  write_bytes(path, bytes);
}

}  // namespace

TEST_CASE("regression 1: --resume auto refuses to begin anew over checkpoints that cannot be read") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  for (SmallProgram& p : small_programs(images, run)) {
    CAPTURE(std::string(p.name));
    std::filesystem::remove_all(run);
    const Arguments steps = {"--steps", "4", "--checkpoint-every", "2"};
    REQUIRE_EQ(run_program(p.name, with(p.arguments, steps)).status, 0);
    set_format(checkpoint(run, 2), 2);
    set_format(checkpoint(run, 4), 2);
    const std::string older = bytes_of(checkpoint(run, 2)), newer = bytes_of(checkpoint(run, 4)),
                      metrics = bytes_of(run + "/metrics.jsonl");

    const Outcome refused = run_program(p.name, with(p.arguments, with(steps, {"--resume", "auto"})));
    CHECK_EQ(refused.status, 1);
    for (const std::string& part : {checkpoint(run, 2), checkpoint(run, 4), std::string("it was written by format 2"),
                                    std::string("--resume none or another --out begins anew")})
      CHECK_MESSAGE(contains(refused.output, part), refused.output);
    CHECK(bytes_of(checkpoint(run, 2)) == older);
    CHECK(bytes_of(checkpoint(run, 4)) == newer);
    CHECK(bytes_of(run + "/metrics.jsonl") == metrics);
  }
}

TEST_CASE("regression 1: --resume none begins anew beside checkpoints that cannot be read, and keeps them") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  const Arguments arguments = small_dit(images, run, {"--steps", "2"});
  REQUIRE_EQ(run_program("train_dit", arguments).status, 0);
  const std::string sound = bytes_of(checkpoint(run, 2));

  const Outcome held = run_program("train_dit", arguments);  // --resume none over a good run
  CHECK_EQ(held.status, 2);
  CHECK_MESSAGE(contains(held.output, "already holds checkpoints of a run"), held.output);

  for (const std::string& aside : {run + "/checkpoints_unreadable", run + "/checkpoints_unreadable_2"}) {
    set_format(checkpoint(run, 2), 2);
    const std::string damaged = bytes_of(checkpoint(run, 2));
    const Outcome anew = run_program("train_dit", arguments);
    CHECK_MESSAGE(anew.status == 0, anew.output);
    CHECK(bytes_of(checkpoint(run, 2)) == sound);
    CHECK(bytes_of(aside + "/step_00000002.ckpt") == damaged);
    CHECK_MESSAGE(contains(anew.output, aside), anew.output);
  }
}

TEST_CASE("regression 1: --resume auto goes on from an older checkpoint and names the newer one that is damaged") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  const Arguments arguments = small_dit(images, run, {"--steps", "4", "--checkpoint-every", "2", "--resume", "auto"});
  std::filesystem::create_directories(run + "/checkpoints");  // an empty folder: the run begins
  REQUIRE_EQ(run_program("train_dit", arguments).status, 0);
  const std::string end = bytes_of(checkpoint(run, 4)), metrics = bytes_of(run + "/metrics.jsonl");
  set_format(checkpoint(run, 4), 2);

  const Outcome sampled = run_program("sample_dit", {"--checkpoint", run, "--out", folder / "a.png"});
  CHECK_EQ(sampled.status, 0);
  CHECK_MESSAGE(contains(sampled.output, "passing over: cannot read " + checkpoint(run, 4)), sampled.output);
  CHECK_MESSAGE(contains(sampled.output, "step 2:"), sampled.output);

  const Outcome resumed = run_program("train_dit", arguments);
  CHECK_EQ(resumed.status, 0);
  CHECK_MESSAGE(contains(resumed.output, "passing over: cannot read " + checkpoint(run, 4)), resumed.output);
  CHECK_MESSAGE(contains(resumed.output, "going on from " + checkpoint(run, 2)), resumed.output);
  CHECK(bytes_of(checkpoint(run, 4)) == end);
  CHECK(bytes_of(run + "/metrics.jsonl") == metrics);

  // Neither a folder nor readable: refused with its name.
  std::filesystem::remove_all(run + "/checkpoints");
  write_bytes(run + "/checkpoints", "no folder");
  const Outcome file = run_program("train_dit", arguments);
  CHECK_EQ(file.status, 1);
  CHECK_MESSAGE(contains(file.output, run + "/checkpoints"), file.output);
}
