// --resume of the training programs: what it accepts, what it refuses, and its messages.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/training/checkpoint/checkpoint.h>
#include "tests/support/checkpoint_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

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
    set_format(checkpoint(run, 2), training::checkpoint_format + 1);
    set_format(checkpoint(run, 4), training::checkpoint_format + 1);
    const std::string older = bytes_of(checkpoint(run, 2)), newer = bytes_of(checkpoint(run, 4)),
                      metrics = bytes_of(run + "/metrics.jsonl");

    const Outcome refused = run_program(p.name, with(p.arguments, with(steps, {"--resume", "auto"})));
    CHECK_EQ(refused.status, 1);
    const std::string later = std::to_string(training::checkpoint_format + 1);
    for (const std::string& part : {checkpoint(run, 2), checkpoint(run, 4), "it was written by format " + later,
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
    set_format(checkpoint(run, 2), training::checkpoint_format + 1);
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
  set_format(checkpoint(run, 4), training::checkpoint_format + 1);

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

TEST_CASE("regression 5: a changed number of steps says how the learning rate goes on; fewer than made train nothing") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  const auto train = [&](const char* steps) {
    return run_program("train_dit", small_dit(images, run, {"--resume", "auto", "--steps", steps}));
  };
  REQUIRE_EQ(train("4").status, 0);
  const std::string made = bytes_of(checkpoint(run, 4)), metrics = bytes_of(run + "/metrics.jsonl"),
                    configuration = bytes_of(run + "/config.toml");
  const Outcome again = train("4");
  CHECK_EQ(again.status, 0);
  CHECK_MESSAGE(!contains(again.output, "steps = "), again.output);

  const Outcome fewer = train("3");
  CHECK_EQ(fewer.status, 0);
  CHECK_MESSAGE(contains(fewer.output, "steps = 3: the run has made 4 already, so nothing is trained"), fewer.output);
  CHECK_MESSAGE(!contains(fewer.output, "4/3"), fewer.output);
  CHECK(bytes_of(checkpoint(run, 4)) == made);
  CHECK(bytes_of(run + "/metrics.jsonl") == metrics);
  CHECK(bytes_of(run + "/config.toml") == configuration);

  // Linear from 1e-3 after one step of warm-up: 1e-3 (1 - 3/7), and 1e-3 (1 - 2/3) at the shorter run's last step.
  const Outcome more = train("8");
  CHECK_EQ(more.status, 0);
  CHECK_MESSAGE(contains(more.output,
                         "steps = 8 instead of 4: the learning rate goes on from 0.00057143 instead of "
                         "0.00033333"),
                more.output);
  CHECK(std::filesystem::exists(checkpoint(run, 8)));
}

TEST_CASE("regression 5: changed images are refused by name, unless they are accepted") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  const auto train = [&](const Arguments& more) {
    return run_program("train_dit", small_dit(images, run, with({"--resume", "auto"}, more)));
  };
  const auto write = [&](const std::vector<std::string>& classes, int64_t per_class) {
    std::filesystem::remove_all(images);
    write_images(images, classes, per_class);
  };
  write({"cat", "dog", "owl"}, 4);
  REQUIRE_EQ(train({"--steps", "2"}).status, 0);
  const std::string made = bytes_of(checkpoint(run, 2));

  const auto refused = [&](const std::vector<std::string>& what) {
    const Outcome outcome = train({"--steps", "2"});
    CHECK_EQ(outcome.status, 2);
    for (const std::string& part : what) CHECK_MESSAGE(contains(outcome.output, part), outcome.output);
    CHECK(bytes_of(checkpoint(run, 2)) == made);
  };
  write({"cat", "dog", "owl"}, 3);
  refused({"images = 9 instead of 12", "--accept-changed-data"});
  write({"cat", "hound", "owl"}, 4);
  refused({"class 1 = \"hound\" (4 images) instead of \"dog\" (4 images)"});
  write({"cat", "dog"}, 6);
  refused({"class 2 = nothing instead of \"owl\" (4 images)"});
  write({"cat", "dog", "owl"}, 4);
  Tensor image = data::read_png(images + "/dog/1000.png", 1);
  image.mutable_data<uint8_t>()[0] ^= 1;
  data::write_png(images + "/dog/1000.png", image);
  refused({"checksum of the images = "});

  write({"cat", "dog", "owl"}, 3);
  const Outcome accepted = train({"--steps", "5", "--accept-changed-data"});
  CHECK_MESSAGE(accepted.status == 0, accepted.output);
  CHECK_MESSAGE(contains(accepted.output, "going on with other data than before: images = 9 instead of 12"),
                accepted.output);
  CHECK_EQ(train({"--steps", "6"}).status, 0);  // those are the run's data now
}

TEST_CASE("regression 5: changed clips or captions are refused") {
  const TemporaryFolder folder;
  const std::string clips = folder / "clips", run = folder / "run";
  const auto write = [&](const std::string& caption, double shade) {
    std::filesystem::create_directories(clips);
    std::string list;
    for (const std::string name : {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}) {
      const bool changes = name == "a";
      data::write_clip(clips + "/" + name + ".gif", full({1, 3, 8, 8}, changes ? shade : 9, DType::u8), 8);
      list += name + ".gif\t" + (changes ? caption : "a bag") + "\n";
    }
    write_bytes(clips + "/captions.txt", list);
  };
  for (const SmallProgram& p : small_programs("", run)) {
    if (std::string(p.name) == "train_dit") continue;
    CAPTURE(std::string(p.name));
    std::filesystem::remove_all(run);
    const Arguments arguments = with(p.arguments, {"--data", clips, "--resume", "auto", "--steps", "2"});
    write("a bag falls", 50);
    const Outcome first = run_program(p.name, arguments);
    REQUIRE_MESSAGE(first.status == 0, first.output);
    write("a bag drifts", 50);
    CHECK_EQ(run_program(p.name, arguments).status, 2);
    write("a bag falls", 51);
    const Outcome changed = run_program(p.name, arguments);
    CHECK_EQ(changed.status, 2);
    CHECK_MESSAGE(contains(changed.output, "checksum of clips and captions = "), changed.output);
    write("a bag falls", 50);
    CHECK_EQ(run_program(p.name, arguments).status, 0);
  }
}

TEST_CASE("regression 5: another instruction set is reported, and a checkpoint without a data fingerprint is resumed") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", run = folder / "run";
  write_images(images, {"cat", "dog"}, 4);
  const auto train = [&](const char* steps, const std::string& isa) {
    return run_program("train_dit", small_dit(images, run, {"--resume", "auto", "--steps", steps}),
                       {"DITHAROS_ISA=" + isa});
  };
  REQUIRE_EQ(train("2", "baseline").status, 0);
  if (kernels::widest_isa() != kernels::Isa::baseline) {
    const Outcome other = train("3", "avx2");
    CHECK_EQ(other.status, 0);
    CHECK_MESSAGE(contains(other.output, "with the instruction set baseline so far, with avx2 from here on"),
                  other.output);
    CHECK(!contains(train("4", "avx2").output, "instruction set"));
  }
  const int64_t step = std::filesystem::exists(checkpoint(run, 4)) ? 4 : 2;
  training::TrainState state = training::load_checkpoint(checkpoint(run, step));
  state.metadata.erase("data");
  state.metadata.erase("instruction set");
  training::save_checkpoint(checkpoint(run, step), state);
  const Outcome old = train("5", "baseline");
  CHECK_EQ(old.status, 0);
  CHECK_MESSAGE(contains(old.output, "does not say what data it was trained on"), old.output);
}
