// prepare_data, and train_dit with packed samples.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/io/file.h>
#include "tests/support/data_files.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::test_prepare_data {

using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

/// 24 colour images of several sizes in two classes, where two are equal and one cannot be read.
void write_images(const std::string& folder) {
  for (int i = 0; i < 24; ++i) {
    const std::string directory = folder + (i % 2 ? "/cats" : "/dogs");
    fs::create_directories(directory);
    Tensor image({3, 8 + i % 3, 12}, DType::u8);
    for (int64_t k = 0; k < image.numel(); ++k)
      image.mutable_data<uint8_t>()[k] = static_cast<uint8_t>((i == 6 ? 0 : i) * 40 + k * 7);
    data::write_png(directory + "/" + std::to_string(100 + i) + ".png", image);
  }
  write_bytes(folder + "/cats/000.png", "no image");
  write_bytes(folder + "/cats/notes.txt", "");
}
std::string checkpoint(const std::string& run, int step) {
  return read_file(run + "/checkpoints/step_0000000" + std::to_string(step) + ".ckpt", 1 << 26);
}

}  // namespace

TEST_CASE("prepare_data: tells what a folder holds, draws a grid and packs the samples") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", cache = folder / "cache", grid = folder / "grid.png";
  write_images(images);
  const Outcome look = run_program("prepare_data", {images});
  CHECK_MESSAGE(look.status == 0, look.output);
  for (const char* part :
       {"22 images, RGB", "3 sizes (height x width): smallest 8x12", "not resized", "2 classes of 11", "cats",
        "no captions", "dogs/100.png = dogs/106.png", "1 image equals one before", "000.png", "1 .txt file"})
    CHECK_MESSAGE(contains(look.output, part), look.output);

  const Outcome packed = run_program("prepare_data", {images, "--size", "8", "--cache", cache, "--grid", grid});
  CHECK_MESSAGE(packed.status == 0, packed.output);
  CHECK_MESSAGE(contains(packed.output, "samples are 8x8, cropped around the middle: 2"), packed.output);
  CHECK(contains(packed.output, "train-8x8x3: 22 packed samples"));
  CHECK(fs::exists(cache + "/train-8x8x3/index.json"));

  // Nothing is written to a complete cache, which may be read-only.
  std::map<std::string, fs::file_time_type> before;
  for (const auto& file : fs::directory_iterator(cache + "/train-8x8x3"))
    before[file.path().string()] = file.last_write_time();
  fs::permissions(cache + "/train-8x8x3", fs::perms::owner_read | fs::perms::owner_exec);
  const Outcome again = run_program("prepare_data", {images, "--size", "8", "--cache", cache});
  fs::permissions(cache + "/train-8x8x3", fs::perms::owner_all);
  CHECK_MESSAGE(again.status == 0, again.output);
  CHECK_MESSAGE(contains(again.output, "train-8x8x3: 22 packed samples, complete before this start"), again.output);
  CHECK_FALSE(contains(packed.output, "complete before"));
  for (const auto& file : fs::directory_iterator(cache + "/train-8x8x3"))
    CHECK(file.last_write_time() == before[file.path().string()]);
  fs::resize_file(cache + "/train-8x8x3/shard-00000.safetensors", 9);
  const Outcome mended = run_program("prepare_data", {images, "--size", "8", "--cache", cache});
  CHECK_MESSAGE(mended.status == 0, mended.output);
  CHECK_MESSAGE(contains(mended.output, "packed samples are damaged: "), mended.output);
  CHECK_FALSE(contains(mended.output, "complete before"));
  CHECK(data::read_png(grid, 3).size(2) > 8 * 64);
}

TEST_CASE("prepare_data: bad input is one sentence and status 2") {
  const TemporaryFolder folder;
  write_images(folder / "images");
  struct Case {
    Arguments arguments;
    const char* part;
  };
  const Case cases[] = {{{}, "takes one set of images, got 0"},
                        {{"shapes", "shapes"}, "takes one set of images, got 2"},
                        {{"shapes", "--grid", "grid.jpg"}, ".png"},
                        {{"shapes", "--sise", "8"}, "--size"},
                        {{folder / "images", "--cache", folder / "cache"}, "give a size with --size"}};
  for (const Case& c : cases) {
    const Outcome outcome = run_program("prepare_data", c.arguments);
    CHECK_MESSAGE(outcome.status == 2, outcome.output);
    CHECK_MESSAGE(contains(outcome.output, c.part), outcome.output);
  }
  CHECK(run_program("prepare_data", {folder / "nothing"}).status == 2);
}

TEST_CASE("train_dit: packed samples give the same bytes, also when a run goes on with them") {
  const TemporaryFolder folder;
  const std::string images = folder / "images", cache = folder / "cache";
  write_images(images);
  const auto train = [&](const std::string& run, int steps, const Arguments& more) {
    Arguments arguments = {"--data",
                           images,
                           "--size",
                           "8",
                           "--on-damaged",
                           "skip",
                           "--hidden",
                           "16",
                           "--depth",
                           "1",
                           "--heads",
                           "2",
                           "--patch",
                           "4",
                           "--batch-size",
                           "4",
                           "--sample-every",
                           "0",
                           "--sampling-steps",
                           "2",
                           "--horizontal-flip",
                           "--checkpoint-every",
                           "4",
                           "--out",
                           folder / run,
                           "--steps",
                           std::to_string(steps)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = run_program("train_dit", arguments);
    CHECK_MESSAGE(outcome.status == 0, outcome.output);
    return outcome.output;
  };
  train("plain", 8, {});
  train("files", 8, {"--image-memory", "0"});
  CHECK(contains(train("packed", 8, {"--cache", cache}), "packed sample"));
  CHECK(checkpoint(folder / "files", 8) == checkpoint(folder / "plain", 8));
  CHECK(checkpoint(folder / "packed", 8) == checkpoint(folder / "plain", 8));
  // Four steps from the files, then four from the cache, which is there by now.
  const std::string halfway = folder / "plain/checkpoints/step_00000004.ckpt";
  CHECK_FALSE(contains(train("both", 8, {"--cache", cache, "--resume", halfway}), "packed sample"));
  CHECK(checkpoint(folder / "both", 8) == checkpoint(folder / "plain", 8));
}

}  // namespace ditharos::test_prepare_data
