// train_autoencoder on images, for train_dit --autoencoder.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/datasets/clips/open_clips.h>
#include <ditharos/tensor/io/file.h>
#include "tests/support/data_files.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

namespace ditharos::test_image_autoencoder {

using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

/// A run of train_autoencoder without the flag --shapes.
Outcome train(const std::string& data, const std::string& out, const Arguments& more) {
  return run_program(
      "train_autoencoder",
      with({"--data",   data, "--width",      "4", "--max-width", "4", "--groups",    "2", "--latent-channels", "2",
            "--stages", "1",  "--batch-size", "4", "--warmup",    "1", "--log-every", "1", "--steps",           "4",
            "--out",    out,  "--threads",    "1"},
           more));
}

std::string bytes_of(const std::string& path) { return read_file(path, 1 << 24); }

}  // namespace

TEST_CASE("image autoencoder: trained on a folder of photos of mixed sizes, it serves train_dit and sample_dit") {
  const TemporaryFolder folder;
  const std::string photos = folder / "photos";
  write_photos(photos, 20);
  const Outcome mixed = train(photos, folder / "a", {});
  CHECK(mixed.status == 1);
  CHECK_MESSAGE(contains(mixed.output, "give a size, as in --size 64"), mixed.output);

  const Arguments size{"--size", "8x16", "--fit", "stretch"};
  for (const char* kind : {"kl", "video"}) {
    CAPTURE(kind);
    const std::string root = folder / kind;
    const Arguments flags =
        with(size, {"--kind", kind, "--sample-every", "2", "--checkpoint-every", "2", "--validate-every", "2"});
    const Outcome trained = train(photos, root, flags);
    REQUIRE_MESSAGE(trained.status == 0, trained.output);
    CHECK_MESSAGE(contains(trained.output, "18 images; 1x8x16 become latents of 1x4x8 with 2 channels"),
                  trained.output);
    CHECK(contains(trained.output, "2 of the 20 images in " + photos + ", every 10th, are held out"));
    CHECK(contains(bytes_of(root + "/metrics.jsonl"), "val_loss"));
    CHECK(fs::exists(root + "/reconstructions.png"));

    fs::copy(root, root + "_resumed", fs::copy_options::recursive);
    fs::remove(root + "_resumed/checkpoints/step_00000004.ckpt");
    const Outcome resumed = train(photos, root + "_resumed", with(flags, {"--resume", "auto", "--image-memory", "0"}));
    REQUIRE_MESSAGE(resumed.status == 0, resumed.output);
    for (const char* name : {"/checkpoints/step_00000004.ckpt", "/metrics.jsonl", "/reconstructions.png"})
      CHECK(bytes_of(root + name) == bytes_of(root + "_resumed" + name));

    const Outcome dit = run_program(
        "train_dit",
        small_dit(photos, root + "_dit", with(size, {"--autoencoder", root, "--patch", "2", "--steps", "2"})));
    REQUIRE_MESSAGE(dit.status == 0, dit.output);
    CHECK_MESSAGE(contains(dit.output, "18 images of 8x16x3 in 0 classes, latents of 4x8x2"), dit.output);
    const Outcome drawn =
        run_program("sample_dit", {"--checkpoint", root + "_dit", "--out", folder / "x.png", "--folder",
                                   root + "_drawn", "--sampling-steps", "1", "--per-class", "1"});
    REQUIRE_MESSAGE(drawn.status == 0, drawn.output);
    CHECK(data::read_png(root + "_drawn/all/0000.png", 3).shape() == Shape{3, 8, 16});
  }
  const Outcome other = train(photos, folder / "kl", {"--size", "16", "--kind", "kl", "--resume", "auto"});
  CHECK(other.status == 2);
  CHECK_MESSAGE(contains(other.output, "size"), other.output);
}

TEST_CASE("image autoencoder: every layout of train_dit is read, in colour or gray") {
  const TemporaryFolder folder;
  write_images(folder / "classes", {"bag", "boot"}, 10);
  const Outcome gray = train(folder / "classes", folder / "a", {"--dry-run"});
  CHECK(gray.status == 2);
  CHECK_MESSAGE(contains(gray.output, "channels = 3 is not that of the data: give --channels 1"), gray.output);
  const Outcome trained = train(folder / "classes", folder / "gray", {"--channels", "1"});
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK_MESSAGE(contains(trained.output, "18 images; 1x8x8 become"), trained.output);
  const Outcome dit =
      run_program("train_dit", small_dit(folder / "classes", folder / "dit",
                                         {"--autoencoder", folder / "gray", "--patch", "2", "--steps", "1"}));
  REQUIRE_MESSAGE(dit.status == 0, dit.output);
  CHECK_MESSAGE(contains(dit.output, "18 images of 8x8x1 in 2 classes, latents of 4x4x2"), dit.output);

  const Outcome generated = train("shapes", folder / "b", {"--size", "8", "--channels", "1", "--dry-run"});
  CHECK_MESSAGE(generated.status == 0, generated.output);
  CHECK_MESSAGE(contains(generated.output, " images; 1x8x8 become"), generated.output);
}

TEST_CASE("image autoencoder: a list of captions names images or videos") {
  const TemporaryFolder folder;
  // Without an ending: folders of PNG files.
  const auto write_list = [&](const std::string& name, const std::string& ending) {
    fs::create_directories(folder / name);
    std::string list;
    for (int i = 0; i < 10; ++i) {
      const std::string file = std::to_string(i) + ending, path = folder / name + "/" + file;
      data::write_clip(path, noise_clip(ending == ".png" ? 1 : 2, 8, 8, uint64_t(i + 1)), 8);
      list += file + "\ta square\n";
    }
    write_bytes(folder / name + "/captions.txt", list);
    return folder / name;
  };
  struct Case {
    std::string name, ending;
    bool clips;
  };
  for (const Case& c : {Case{"gif", ".gif", true}, Case{"animated", ".webp", true}, Case{"frames", "", true},
                        Case{"png", ".png", false}}) {
    CAPTURE(c.name);
    const std::string data = write_list(c.name, c.ending);
    CHECK(data::is_clips(data) == c.clips);
    const Outcome run =
        train(data, folder / "a", with(c.clips ? Arguments{"--shapes", "2x8x8"} : Arguments{}, {"--dry-run"}));
    CHECK_MESSAGE(run.status == 0, run.output);
    CHECK_MESSAGE(contains(run.output, c.clips ? "9 clips; 2x8x8 become" : "9 images; 1x8x8 become"), run.output);
  }
  // A still WebP, and a file that is not there, which the reader of images reports.
  fs::create_directories(folder / "webp");
  write_bytes(folder / "webp/captions.txt", "0.webp\ta square\n");
  CHECK_FALSE(data::is_clips(folder / "webp"));
  CHECK(contains(train(folder / "webp", folder / "a", {}).output, "0.webp"));
  data::write_clip(folder / "webp/0.webp", noise_clip(1, 8, 8), 8);
  CHECK_FALSE(data::is_clips(folder / "webp"));
  CHECK(data::is_clips("moving-garments"));
  CHECK_FALSE(data::is_clips("shapes"));
  CHECK_FALSE(data::is_clips(folder / "nothing"));
}

TEST_CASE("image autoencoder: what cannot be trained on, and flags without effect, are named") {
  const TemporaryFolder folder;
  write_photos(folder / "photos", 12);
  const auto refused = [&](const std::string& data, const Arguments& more) {
    const Outcome run = train(data, folder / "a", more);
    CHECK(run.status == 2);
    CHECK_FALSE(fs::exists(folder / "a/checkpoints"));
    return run.output;
  };
  CHECK(contains(refused("moving-garment", {}), "data = \"moving-garment\" is neither clips (\"moving-garments\", "));
  fs::create_directories(folder / "videos");
  data::write_clip(folder / "videos/0.gif", noise_clip(2, 8, 8), 8);  // without a list
  CHECK(contains(refused(folder / "videos", {}), "a folder of videos with captions.txt or captions.jsonl"));
  CHECK(contains(refused(folder / "photos", {"--size", "7"}),
                 "the stride of the autoencoder, 2 pixels, does not divide images of 7x7: give a size that it divides, "
                 "as in --size 8"));
  CHECK(contains(refused(folder / "photos", {"--size", "8", "--time-stride", "2"}), "with time_stride = 1"));
  CHECK(contains(refused(folder / "photos", {"--size", "8", "--channels", "1"}), "give --channels 3"));
  CHECK(contains(refused(folder / "photos", {"--size", "8x"}), "is not a size of images"));
  CHECK(contains(refused("moving-garments", {"--shapes", "1x8x8", "--channels", "1"}), "give --channels 3"));

  CHECK(contains(refused(folder / "photos", {"--size", "8", "--shapes", "foo"}),
                 "--shapes has no effect: it needs data of clips; leave it out"));
  CHECK(contains(refused("moving-garments", {"--shapes", "1x8x8", "--size", "8"}),
                 "--size has no effect: it needs data of images; leave it out"));
}

}  // namespace ditharos::test_image_autoencoder
