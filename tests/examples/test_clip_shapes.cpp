// Which shape a clip gets when the user does not say, and which models a program can evaluate.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/pipelines/clip_shapes.h>
#include <ditharos/tensor/factory.h>
#include "examples/cli/options/clip_settings.h"
#include "tests/support/data_files.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

using namespace ditharos;
using namespace ditharos::tests;
using namespace ditharos::examples;
using data::SampleShape;

namespace {

const std::vector<SampleShape> shapes = {{8, 32, 32}, {1, 32, 32}, {2, 32, 48}, {4, 48, 32}, {16, 32, 32}};

SampleShape nearest(const SampleShape& wanted, bool frames_given = false, bool size_given = false) {
  return pipelines::nearest_trained(shapes, {wanted, frames_given, size_given});
}

/// A run of train_video on clips and captions of its own, of two steps.
struct OwnModel {
  TemporaryFolder folder;
  OwnModel() {
    std::filesystem::create_directory(folder / "clips");
    std::string list = "\xef\xbb\xbf";
    for (int i = 0; i < 10; ++i) {
      const std::string name = std::to_string(i) + ".gif";
      data::write_clip(folder / "clips/" + name, square_clip(4, 16, 24), 8);
      list += name + "\ta zebra runs home\r\n";
    }
    write_bytes(folder / "clips/captions.txt", list);
    const Outcome trained = run_program("train_video", {"--data",
                                                        folder / "clips",
                                                        "--out",
                                                        path(),
                                                        "--hidden",
                                                        "16",
                                                        "--depth",
                                                        "1",
                                                        "--heads",
                                                        "2",
                                                        "--patch",
                                                        "1,4,4",
                                                        "--text-width",
                                                        "8",
                                                        "--text-depth",
                                                        "1",
                                                        "--text-heads",
                                                        "2",
                                                        "--vocabulary",
                                                        "300",
                                                        "--shapes",
                                                        "2x8x8, 1x8x12",
                                                        "--batch-size",
                                                        "2",
                                                        "--steps",
                                                        "2",
                                                        "--warmup",
                                                        "1",
                                                        "--sample-every",
                                                        "0",
                                                        "--sampling-steps",
                                                        "1",
                                                        "--prompt-length",
                                                        "12"});
    CAPTURE(trained.output);
    REQUIRE(trained.status == 0);
    CHECK(contains(trained.output, "note: 1 of the 10 videos"));
  }
  std::string path() const { return folder / "run"; }
  Outcome sample(const Arguments& more) const {
    Arguments all{"--checkpoint", path(), "--out", folder / "out.gif", "--steps", "1", "a zebra runs home"};
    all.insert(all.end(), more.begin(), more.end());
    return run_program("sample_video", all);
  }
};

}  // namespace

TEST_CASE("regression 16: the shape nearest to the usual one is chosen among those that a model was trained on") {
  CHECK(nearest({16, 32, 32}) == SampleShape{16, 32, 32});
  CHECK(nearest({8, 32, 32}) == SampleShape{8, 32, 32});
  CHECK(nearest({12, 32, 32}) == SampleShape{16, 32, 32});
  CHECK(nearest({2, 32, 32}, true) == SampleShape{2, 32, 48});  // the length was given
  CHECK(nearest({3, 32, 32}, true) == SampleShape{3, 32, 32});  // and is kept where no shape has it
  CHECK(nearest({16, 48, 32}, false, true) == SampleShape{4, 48, 32});
  CHECK(nearest({16, 64, 64}, false, true) == SampleShape{16, 64, 64});
  CHECK(nearest({5, 40, 40}, true, true) == SampleShape{5, 40, 40});

  const std::vector<SampleShape> trained =
      data::used_shapes(data::clip_buckets("8x32x32, 4x8x8, 1x16x16", {1, 0, 2}, 1));
  CHECK(trained == std::vector<SampleShape>{{8, 32, 32}, {1, 16, 16}});
  CHECK(wanted_shape(trained, {8, 32, 32}, 0, "") == SampleShape{8, 32, 32});
  CHECK(wanted_shape(trained, {8, 32, 32}, 0, "16x16") == SampleShape{1, 16, 16});
  CHECK_THROWS_AS(wanted_shape(trained, {8, 32, 32}, 0, "16"), ConfigError);
}

TEST_CASE("regression 16: a file is scaled to the trained size of its proportions") {
  const auto size = [](int64_t height, int64_t width) {
    const data::FrameSize s = pipelines::size_for(shapes, height, width);
    return std::pair(s.height, s.width);
  };
  CHECK(size(128, 128) == std::pair<int64_t, int64_t>{32, 32});
  CHECK(size(128, 192) == std::pair<int64_t, int64_t>{32, 48});
  CHECK(size(32, 48) == std::pair<int64_t, int64_t>{32, 48});
  CHECK(size(1920, 1080) == std::pair<int64_t, int64_t>{48, 32});
  CHECK(size(100, 90) == std::pair<int64_t, int64_t>{32, 32});
  // Its own size, if the model has it.
  const data::FrameSize own = pipelines::size_for({{8, 32, 32}, {8, 64, 64}}, 64, 64);
  CHECK(own.height == 64);
}

TEST_CASE("regression 16: sample_video makes clips of a trained shape, and says when it does not") {
  const OwnModel model;
  const auto ends_with = [](const Outcome& run, const std::string& shape, bool warned) {
    CAPTURE(run.output);
    CHECK(run.status == 0);
    CHECK(contains(run.output, "1 clip of " + shape + " from "));
    CHECK(contains(run.output, "note: the model was not trained on clips of " + shape) == warned);
  };
  ends_with(model.sample({}), "2x8x8", false);
  ends_with(model.sample({"--frames", "1"}), "1x8x12", false);
  ends_with(model.sample({"--size", "8x12"}), "1x8x12", false);
  ends_with(model.sample({"--frames", "4"}), "4x8x12", true);

  // Its own output, enlarged by --scale, comes back in the model's size; so do files of any other size.
  CHECK(data::read_clip(model.folder / "out.gif").frames.shape() == Shape{4, 3, 32, 48});
  std::filesystem::rename(model.folder / "out.gif", model.folder / "in.gif");  // what is read is not written over
  const Arguments from{"--from", model.folder / "in.gif", "--strength", "0.5"};
  ends_with(model.sample(from), "4x8x12", true);
  ends_with(model.sample({"--from", model.folder / "clips/0.gif", "--frames", "1"}), "1x8x12", false);
  ends_with(model.sample({"--from", model.folder / "clips/0.gif", "--frames", "2", "--size", "8x8"}), "2x8x8", false);
}

TEST_CASE("regression 16: evaluate_video refuses a model of other clips than those that it can recognise") {
  const OwnModel model;
  const Outcome run = run_program("evaluate_video", {"--checkpoint", model.path(), "--prompts", "2", "--sampling-steps",
                                                     "1", "--cache", model.folder / "cache"});
  CAPTURE(run.output);
  CHECK(run.status == 2);
  CHECK(contains(run.output, "was trained on the clips of \"" + model.folder / "clips" + "\""));
  CHECK(contains(run.output, "recognises nothing else"));
  CHECK_FALSE(std::filesystem::exists(model.folder / "cache"));
}

TEST_CASE("regression 16: evaluate works on small sets, and says what a set lacks that is too small") {
  const TemporaryFolder folder;
  const auto add = [&](const std::string& part, const std::string& name, int count) {
    const std::string directory = folder / part + "/" + name;
    std::filesystem::create_directories(directory);
    for (int i = 0; i < count; ++i)
      data::write_png(directory + "/" + std::to_string(i) + ".png",
                      full({1, 8, 8}, name == "a" ? 20 + i : 200 + i, DType::u8));
  };
  const auto evaluate = [&](const std::string& data) {
    return run_program("evaluate", {"--data", folder / data, "--cache", folder / "cache"});
  };
  for (const char* name : {"a", "b"}) {
    add("small/train", name, 3);
    add("small/test", name, 2);
    add("tiny/train", name, 1);
    add("tiny/test", name, 1);
    add("tenth", name, 20);
    add("ten", name, 10);
    add("one", name, 1);
  }
  for (const char* enough : {"small", "tenth"}) {
    const Outcome run = evaluate(enough);
    CAPTURE(run.output);
    CHECK(run.status == 0);
    CHECK(contains(run.output, "real test images (upper bound)"));
  }
  for (const char* too_small : {"tiny", "ten"}) {
    const Outcome run = evaluate(too_small);
    CAPTURE(run.output);
    CHECK(run.status == 2);
    CHECK(contains(run.output, "class \"a\" has 1 test image, and every class needs at least 2, half of them"));
    CHECK(contains(run.output, "at least 20 of each class"));
  }
  const Outcome none = evaluate("one");
  CAPTURE(none.output);
  CHECK(none.status == 1);
  CHECK(contains(none.output, "it takes 10 files for one"));
}
