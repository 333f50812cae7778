// Held-out images of a run: they get the channels and the size of the training images, and are read before the first
// step.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/numpy_file.h>
#include "tests/data/damaged_images.h"
#include "tests/support/data_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::test_held_out_images {

using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

/// Six images without classes in FOLDER/SPLIT.
void write_split(const std::string& folder, int64_t channels, int64_t side) {
  fs::create_directories(folder);
  for (int i = 0; i < 6; ++i)
    write_bytes(folder + "/" + std::to_string(i) + ".png", png_bytes(10 + 30 * i, channels, side, side));
}
Outcome train(const std::string& data, const std::string& out, const Arguments& more = {}) {
  return run_program("train_dit", small_dit(data, out, with({"--steps", "4", "--validate-every", "2"}, more)));
}

}  // namespace

TEST_CASE("held-out images of other channels and another size become as the training images are") {
  const TemporaryFolder root;
  const struct {
    const char* name;
    int64_t channels, other_channels, other_side;
  } cases[] = {{"gray", 3, 1, 8}, {"colour", 1, 3, 8}, {"larger", 3, 3, 11}, {"both", 3, 1, 5}};
  for (const auto& c : cases) {
    CAPTURE(std::string(c.name));
    const std::string data = root / c.name, out = data + "_run";
    write_split(data + "/train", c.channels, 8);
    write_split(data + "/test", c.other_channels, c.other_side);
    const Outcome run = train(data, out);
    CHECK_MESSAGE(run.status == 0, run.output);
    CHECK_MESSAGE(contains(run.output, "val_loss"), run.output);
    const Outcome encoded = run_program("train_autoencoder", {"--data",
                                                              data,
                                                              "--channels",
                                                              std::to_string(c.channels),
                                                              "--width",
                                                              "4",
                                                              "--max-width",
                                                              "4",
                                                              "--groups",
                                                              "2",
                                                              "--latent-channels",
                                                              "2",
                                                              "--stages",
                                                              "1",
                                                              "--time-stride",
                                                              "1",
                                                              "--batch-size",
                                                              "2",
                                                              "--steps",
                                                              "2",
                                                              "--warmup",
                                                              "0",
                                                              "--reconstruction",
                                                              "l1",
                                                              "--perceptual-weight",
                                                              "0",
                                                              "--validate-every",
                                                              "1",
                                                              "--out",
                                                              out + "_autoencoder",
                                                              "--threads",
                                                              "1"});
    CHECK_MESSAGE(encoded.status == 0, encoded.output);
    if (encoded.status != 0) continue;
    const Outcome latents = train(data, out + "_latents", {"--patch", "2", "--autoencoder", out + "_autoencoder"});
    CHECK_MESSAGE(latents.status == 0, latents.output);
  }
}

TEST_CASE("held-out images that cannot be read end a run before its first step") {
  const TemporaryFolder root;
  const std::string data = root / "data";
  write_split(data + "/train", 3, 8);
  write_split(data + "/test", 3, 8);
  write_bytes(data + "/test/3.png", with_damaged_pixels(png_bytes(9, 3, 8, 8)));
  for (const char* memory : {"64", "0"}) {  // decoded when the set is opened, or at each use
    CAPTURE(std::string(memory));
    const Outcome run = train(data, root / "run", {"--image-memory", memory});
    CHECK(run.status == 1);
    CHECK_MESSAGE(contains(run.output, "/test/3.png"), run.output);
    CHECK_MESSAGE(!contains(run.output, "step 1"), run.output);
  }
  // Without validations they are not needed.
  CHECK(run_program("train_dit", small_dit(data, root / "other", {"--steps", "1"})).status == 0);
}

TEST_CASE("held-out arrays of other channels are refused before the first step") {
  const TemporaryFolder root;
  const std::string data = root / "data";
  fs::create_directories(data);
  save_npy(data + "/x_train.npy", full({8, 8, 8, 3}, 9, DType::u8));
  save_npy(data + "/y_train.npy", zeros({8}, DType::i64));
  save_npy(data + "/x_test.npy", full({8, 8, 8}, 9, DType::u8));
  save_npy(data + "/y_test.npy", zeros({8}, DType::i64));
  const Outcome run = train(data, root / "run");
  CHECK(run.status == 2);
  CHECK_MESSAGE(contains(run.output, "have 1 channels, and those of training have 3"), run.output);
  CHECK_MESSAGE(!contains(run.output, "step 1"), run.output);
}

}  // namespace ditharos::test_held_out_images
