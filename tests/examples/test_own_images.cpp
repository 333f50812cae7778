// Training on a user's own images: sizes, settings and layouts, through the programs.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/tensor/io/file.h>
#include "tests/support/data_files.h"
#include "tests/support/small_dit_run.h"
#include "tests/support/small_runs.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::test_own_images {

using namespace ditharos::tests;

namespace fs = std::filesystem;

namespace {

Outcome train(const std::string& data, const std::string& out, const Arguments& more) {
  Arguments arguments = small_dit_flags(data, out);
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_program("train_dit", arguments);
}

}  // namespace

TEST_CASE("own images: a flat folder of mixed sizes is trained without classes, and sampled") {
  const TemporaryFolder folder;
  write_photos(folder / "photos", 20);
  const Outcome mixed = train(folder / "photos", folder / "a", {});
  CHECK(mixed.status != 0);
  CHECK_MESSAGE(contains(mixed.output, "photos/101.jpg: it has 13 x 11 pixels, but " + folder / "photos/100.png" +
                                           " has 12 x 10; give a size, as in --size 64"),
                mixed.output);

  const Outcome trained = train(folder / "photos", folder / "run", {"--size", "8x16", "--resample", "lanczos"});
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK(contains(trained.output, "18 images of 8x16x3 in 0 classes"));
  CHECK(contains(trained.output, "2 of the 20 images in " + folder / "photos" + ", every 10th, are held out"));
  CHECK(fs::exists(folder / "run/samples.png"));
  const Outcome sampled = run_program("sample_dit", sampling_flags(folder / "run", folder / "s.png",
                                                                   {"--folder", folder / "drawn", "--per-class", "3"}));
  REQUIRE_MESSAGE(sampled.status == 0, sampled.output);
  CHECK(data::read_png(folder / "drawn/all/0002.png", 3).shape() == Shape{3, 8, 16});

  const Outcome evaluated =
      run_program("evaluate", {"--checkpoint", folder / "run", "--cache", folder / "cache", "--threads", "1"});
  CHECK(evaluated.status == 2);
  CHECK_MESSAGE(contains(evaluated.output, "its images have no classes, and the figures come from a classifier"),
                evaluated.output);
}

TEST_CASE("own images: the samples in memory and those decoded at each use train the same weights") {
  const TemporaryFolder folder;
  write_photos(folder / "photos", 12);
  for (const char* memory : {"0", "1"}) {
    const Outcome run = train(folder / "photos", folder / memory, {"--size", "8", "--image-memory", memory});
    REQUIRE_MESSAGE(run.status == 0, run.output);
  }
  const std::string checkpoint = "/checkpoints/step_00000002.ckpt";
  CHECK(read_file(folder / "0" + checkpoint, 1 << 24) == read_file(folder / "1" + checkpoint, 1 << 24));
}

TEST_CASE("own images: damaged files stop the training, or are left out and counted") {
  const TemporaryFolder folder;
  write_photos(folder / "photos", 12);
  write_bytes(folder / "photos/103.png", "");
  write_bytes(folder / "photos/104.jpg", "GIF89a");
  const Outcome stopped = train(folder / "photos", folder / "a", {"--size", "8"});
  CHECK(stopped.status != 0);
  CHECK(contains(stopped.output, "cannot read " + folder / "photos/103.png" + ": the file is empty"));
  const Outcome skipped = train(folder / "photos", folder / "b", {"--size", "8", "--on-damaged", "skip"});
  CHECK_MESSAGE(skipped.status == 0, skipped.output);
  CHECK(contains(skipped.output, "note: 2 files were left out:"));
  CHECK(contains(skipped.output, "104.jpg: it is a GIF image"));
  CHECK(contains(skipped.output, "9 images of 8x8x3"));
}

TEST_CASE("own images: what cannot be a size or a colour is refused before the data are read") {
  const TemporaryFolder folder;
  write_photos(folder / "photos", 4);
  for (const char* size : {"0", "64x", "x64", "64x64x64", "-8", "8.5", "99999"}) {
    const Outcome run = train(folder / "photos", folder / "a", {std::string("--size=") + size});
    CHECK(run.status == 2);
    CHECK_MESSAGE(contains(run.output, "is not a size of images; write height x width"), run.output);
  }
  const Outcome run = train(folder / "photos", folder / "a", {"--background", "pink"});
  CHECK(run.status == 2);
  CHECK(contains(run.output, "background: \"pink\" is not a colour"));
}

TEST_CASE("own images: an imagefolder with labels is trained, evaluated and resumed with its settings") {
  const TemporaryFolder folder;
  write_photos(folder / "photos", 80);
  std::string list;
  for (int i = 0; i < 80; ++i)
    list += "{\"file_name\": \"" + std::to_string(100 + i) + (i % 3 == 0 ? ".png" : ".jpg") + "\", \"label\": \"" +
            (i % 2 == 0 ? "even" : "odd") + "\"}\n";
  write_bytes(folder / "photos/metadata.jsonl", list);
  const Arguments settings{"--size", "8", "--fit", "stretch", "--background", "black"};
  const Outcome trained = train(folder / "photos", folder / "run", settings);
  REQUIRE_MESSAGE(trained.status == 0, trained.output);
  CHECK(contains(trained.output, "72 images of 8x8x3 in 2 classes"));
  Arguments longer = settings;
  longer.insert(longer.end(), {"--steps", "3", "--resume", "auto"});
  const Outcome resumed = train(folder / "photos", folder / "run", longer);
  CHECK_MESSAGE(resumed.status == 0, resumed.output);
  longer[1] = "16";
  CHECK(train(folder / "photos", folder / "run", longer).status == 2);
  const Outcome evaluated =
      run_program("evaluate", {"--checkpoint", folder / "run", "--cache", folder / "cache", "--classifier-epochs", "1",
                               "--per-class", "2", "--sampling-steps", "2", "--threads", "1"});
  CHECK_MESSAGE(evaluated.status == 0, evaluated.output);
  CHECK(contains(evaluated.output, "of all 8 test images"));
}

TEST_CASE("own images: a message with a file's name is one line without control characters") {
  const TemporaryFolder root;
  const std::string images = root / "images";
  write_images(images, {"cat", "dog"}, 4);
  write_bytes(images + "/cat/a\nnote: all is fine\x1b[2J.png", "no image");
  const Outcome skipped =
      run_program("train_dit", small_dit(images, root / "a", {"--steps", "1", "--on-damaged", "skip"}));
  CHECK_MESSAGE(skipped.status == 0, skipped.output);
  const Outcome stopped = run_program("train_dit", small_dit(images, root / "b", {"--steps", "1"}));
  CHECK(stopped.status == 1);
  for (const Outcome& run : {skipped, stopped}) {
    CHECK_MESSAGE(contains(run.output, "a note: all is fine\\x1b[2J.png"), run.output);
    CHECK(!contains(run.output, "\nnote: all is fine"));
    CHECK(!contains(run.output, "\x1b[2J"));
  }
}

}  // namespace ditharos::test_own_images
