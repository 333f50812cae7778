// train_dit and sample_dit with captions, and on the latents of an autoencoder.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/training/checkpoint/checkpoint.h>
#include "tests/support/data_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

/// `count` different RGB images of `side` x `side` with captions.
void write_captioned(const std::string& folder, int count, int64_t side) {
  fs::create_directories(folder);
  std::string list;
  for (int i = 0; i < count; ++i) {
    Tensor image({3, side, side}, DType::u8);
    for (int64_t k = 0; k < image.numel(); ++k) image.mutable_data<uint8_t>()[k] = static_cast<uint8_t>(k * 5 + i * 29);
    const std::string name = std::to_string(100 + i) + ".png";
    data::write_png(folder + "/" + name, image);
    list += "{\"file_name\": \"" + name + "\", \"text\": \"" + (i % 2 == 0 ? "a dark boot" : "a bright bag") + "\"}\n";
  }
  write_bytes(folder + "/metadata.jsonl", list);
}

/// Of images that are drawn by classes or by nothing.
Outcome train_without_text(const std::string& data, const std::string& out, const Arguments& more) {
  return run_program("train_dit", small_dit(data, out, more));
}

Outcome train(const std::string& data, const std::string& out, const Arguments& more) {
  return run_program(
      "train_dit",
      with(small_dit(data, out, {"--text-width", "8", "--text-depth", "1", "--text-heads", "2", "--vocabulary", "300"}),
           more));
}

std::string checkpoint(const std::string& run, int step) {
  return run + "/checkpoints/step_0000000" + std::to_string(step) + ".ckpt";
}
std::string bytes_of(const std::string& path) { return read_file(path, 1 << 24); }

Outcome sample(const std::string& run, const std::string& out, const Arguments& more) {
  return run_program(
      "sample_dit",
      with({"--checkpoint", run, "--out", out, "--sampling-steps", "2", "--per-class", "2", "--threads", "1"}, more));
}

/// A run of train_autoencoder. Returns its folder.
std::string train_autoencoder(const std::string& out, const Arguments& more) {
  const Outcome run = run_program("train_autoencoder", small_autoencoder(out, more));
  REQUIRE_MESSAGE(run.status == 0, run.output);
  return out;
}

}  // namespace

TEST_CASE("captions: a model of captions is trained, resumed to the byte, and drawn from by prompts") {
  const TemporaryFolder folder;
  write_captioned(folder / "images", 12, 8);
  const Arguments flags{"--steps", "4", "--validate-every", "2", "--checkpoint-every", "2"};
  const Outcome whole = train(folder / "images", folder / "a", flags);
  REQUIRE_MESSAGE(whole.status == 0, whole.output);
  CHECK_MESSAGE(contains(whole.output, "of 8x8x3 with captions of "), whole.output);
  CHECK(fs::exists(folder / "a/samples.png"));
  CHECK(contains(bytes_of(folder / "a/metrics.jsonl"), "val_loss"));

  fs::copy(folder / "a", folder / "b", fs::copy_options::recursive);
  fs::remove(checkpoint(folder / "b", 4));
  const Outcome resumed = train(folder / "images", folder / "b", with(flags, {"--resume", "auto"}));
  REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
  CHECK(contains(resumed.output, "step_00000002.ckpt"));
  for (const std::string& name : {checkpoint("", 4), std::string("/metrics.jsonl"), std::string("/samples.png")})
    CHECK(bytes_of(folder / "a" + name) == bytes_of(folder / "b" + name));

  const Outcome drawn =
      sample(folder / "a", folder / "x.png", {"a dark bag", "a boot", "--guidance", "3", "--folder", folder / "x"});
  REQUIRE_MESSAGE(drawn.status == 0, drawn.output);
  CHECK(contains(drawn.output, "4 images from "));
  CHECK(data::read_png(folder / "x/a dark bag/0001.png", 3).shape() == Shape{3, 8, 8});
  const Outcome again = sample(folder / "a", folder / "y.png", {"a dark bag", "a boot", "--guidance", "3"});
  CHECK(bytes_of(folder / "x.png") == bytes_of(folder / "y.png"));
  CHECK(contains(sample(folder / "a", folder / "z.png", {"a zebra"}).output, "has the word \"zebra\""));

  CHECK(sample(folder / "a", folder / "z.png", {}).status == 2);
  CHECK(contains(sample(folder / "a", folder / "z.png", {}).output, "no prompt: say what the images should show"));
  CHECK(contains(sample(folder / "a", folder / "z.png", {"--classes", "0", "a boot"}).output,
                 "was trained with captions; give prompts instead"));
}

TEST_CASE("captions: a condition that the data lack, and prompts for a model of classes, are refused") {
  const TemporaryFolder folder;
  write_images(folder / "classes", {"bag", "boot"}, 5);
  write_captioned(folder / "captions", 10, 8);
  const Outcome no_classes =
      train_without_text(folder / "captions", folder / "a", {"--steps", "1", "--condition", "class"});
  CHECK(no_classes.status == 2);
  CHECK_MESSAGE(contains(no_classes.output, "condition = \"class\" needs images with classes"), no_classes.output);
  fs::remove(folder / "captions/metadata.jsonl");
  const Outcome no_captions = train(folder / "captions", folder / "b", {"--steps", "1", "--condition", "text"});
  CHECK(no_captions.status == 2);
  CHECK(contains(no_captions.output, "condition = \"text\" needs images with captions"));

  REQUIRE(train_without_text(folder / "classes", folder / "c", {"--steps", "1"}).status == 0);
  const Outcome prompted = sample(folder / "c", folder / "c.png", {"a bag"});
  CHECK(prompted.status == 2);
  CHECK_MESSAGE(contains(prompted.output,
                         "was trained without captions and takes no prompts: choose its images by "
                         "--classes"),
                prompted.output);
  const Outcome none = train_without_text(folder / "classes", folder / "d", {"--steps", "1", "--condition", "none"});
  CHECK_MESSAGE(contains(none.output, "in 0 classes"), none.output);
  CHECK(none.status == 0);
}

TEST_CASE("latents: kept in memory, packed or encoded at each use, and resumed, they train the same weights") {
  const TemporaryFolder folder;
  write_captioned(folder / "images", 12, 8);
  for (const char* kind : {"kl", "video"}) {
    CAPTURE(kind);
    const std::string root = folder / kind, autoencoder = train_autoencoder(root + "_autoencoder", {"--kind", kind});
    const Arguments flags{"--autoencoder", autoencoder, "--patch", "2", "--horizontal-flip", "--checkpoint-every", "3"};
    const Outcome memory = train(folder / "images", root + "_a", with(flags, {"--steps", "6"}));
    REQUIRE_MESSAGE(memory.status == 0, memory.output);
    CHECK_MESSAGE(contains(memory.output, ", latents of 4x4x2"), memory.output);
    const Outcome no_memory =
        train(folder / "images", root + "_b", with(flags, {"--steps", "6", "--image-memory", "0"}));
    REQUIRE_MESSAGE(no_memory.status == 0, no_memory.output);
    CHECK(bytes_of(checkpoint(root + "_a", 6)) == bytes_of(checkpoint(root + "_b", 6)));

    const std::string cache = folder / "cache";
    const Outcome packed = train(folder / "images", root + "_c", with(flags, {"--steps", "6", "--cache", cache}));
    REQUIRE_MESSAGE(packed.status == 0, packed.output);
    CHECK(fs::exists(cache + "/train-latents-4x4x2/index.json"));
    // The second kind finds the latents of the first.
    CHECK(contains(packed.output, "are of other data: ") == (std::string(kind) == "video"));
    CHECK(bytes_of(checkpoint(root + "_a", 6)) == bytes_of(checkpoint(root + "_c", 6)));

    fs::remove(checkpoint(root + "_c", 6));
    fs::rename(autoencoder, autoencoder + "_moved");  // the checkpoint holds it
    const Outcome resumed =
        train(folder / "images", root + "_c", with(flags, {"--steps", "6", "--resume", "auto", "--cache", cache}));
    REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
    CHECK(!contains(resumed.output, "written anew"));
    CHECK(bytes_of(checkpoint(root + "_a", 6)) == bytes_of(checkpoint(root + "_c", 6)));

    const Outcome drawn = sample(root + "_a", folder / "x.png", {"a boot", "--folder", root + "_drawn"});
    REQUIRE_MESSAGE(drawn.status == 0, drawn.output);
    CHECK(data::read_png(root + "_drawn/a boot/0000.png", 3).shape() == Shape{3, 8, 8});
  }
}

TEST_CASE("latents: an autoencoder that does not fit the images is refused") {
  const TemporaryFolder folder;
  write_captioned(folder / "odd", 10, 7);
  write_captioned(folder / "images", 10, 8);
  write_images(folder / "gray", {"bag", "boot"}, 5);
  const std::string autoencoder = train_autoencoder(folder / "autoencoder", {});
  const auto refused = [&](const std::string& data, const Arguments& more) {
    const Outcome run = train(folder / data, folder / "a", with({"--steps", "1", "--patch", "2"}, more));
    CHECK(run.status == 2);
    return run.output;
  };
  CHECK(contains(refused("odd", {"--autoencoder", autoencoder}),
                 "the stride of the autoencoder, 2 pixels, does not divide images of 7x7: give a size that it divides, "
                 "as in --size 8"));
  CHECK(contains(refused("gray", {"--autoencoder", autoencoder}),
                 "the autoencoder encodes images of 3 channels, and those of the data have 1"));
  CHECK(contains(refused("images", {"--autoencoder", folder / "nothing"}), "--autoencoder \"" + folder / "nothing"));
  const std::string of_clips = train_autoencoder(folder / "of_clips", {"--time-stride", "2", "--shapes", "2x8x8"});
  CHECK(contains(refused("images", {"--autoencoder", of_clips}), "train one with time_stride = 1"));

  REQUIRE(train(folder / "images", folder / "pixels", {"--steps", "1"}).status == 0);
  const Outcome other =
      train(folder / "images", folder / "pixels", {"--steps", "2", "--resume", "auto", "--autoencoder", autoencoder});
  CHECK(other.status == 2);
  CHECK_MESSAGE(contains(other.output, "trains on pixels, without an autoencoder"), other.output);
}
