// Files in folders of data that are no data are skipped, counted and named.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/data/datasets/clips/video_folder.h>
#include <ditharos/data/datasets/folder_contents.h>
#include <ditharos/data/datasets/images/idx.h>
#include <ditharos/data/datasets/open.h>
#include <ditharos/tensor/factory.h>
#include "tests/support/data_files.h"
#include "tests/support/run_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/video_clips.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::Split;

namespace fs = std::filesystem;

namespace {

using Strings = std::vector<std::string>;

/// Every image without a value differs from the others.
void add_image(const std::string& path, int value = -1) {
  static int images = 0;
  if (value < 0) value = images++ % 256;
  fs::create_directories(fs::path(path).parent_path());
  data::write_png(path, full({1, 8, 8}, value, DType::u8));
}
void add_file(const std::string& path) {
  fs::create_directories(fs::path(path).parent_path());
  write_bytes(path, "x");
}
/// How many lines of a text begin with "note: ".
int notes_in(const std::string& text) {
  int count = text.starts_with("note: ");
  for (size_t at = 0; (at = text.find("\nnote: ", at)) != std::string::npos; ++at) ++count;
  return count;
}

}  // namespace

TEST_CASE("regression 15: IDX files with a dot in their names, and beside folders of the usual names") {
  const TemporaryFolder folder;
  const auto images = [](int n) { return idx_bytes(0x803, {uint32_t(n), 2, 2}, counting_bytes(size_t(n) * 4)); };
  const std::string labels = idx_bytes(0x801, {2}, std::string("\0\1", 2));
  write_bytes(folder / "train-images.idx3-ubyte", images(2));
  write_bytes(folder / "train-labels.idx1-ubyte", labels);
  write_bytes(folder / "t10k-images.idx3-ubyte.gz", gzipped(images(2)));
  write_bytes(folder / "t10k-labels-idx1-ubyte", labels);
  // One archive holds the files a second time, each in a folder of its name.
  fs::create_directory(folder / "train-images-idx3-ubyte");
  write_bytes(folder / "train-images-idx3-ubyte/train-images-idx3-ubyte", images(2));
  CHECK(data::is_idx_directory(folder.path()));
  for (const Split split : {Split::train, Split::test})
    CHECK(data::read_dataset(*data::open_images(folder.path(), split).source).labels().to_vector<int64_t>() ==
          std::vector<int64_t>{0, 1});
  fs::remove(folder / "train-labels.idx1-ubyte");
  CHECK(contains(message_of<IoError>([&] { data::load_idx(folder.path(), Split::train); }),
                 "it has neither train-labels-idx1-ubyte nor train-labels.idx1-ubyte, plain or .gz"));
}

TEST_CASE("regression 15: files that archives and systems leave in a folder are no classes and no images") {
  const TemporaryFolder folder;
  for (const char* name : {"cat/1.png", "dog/1.png", "__MACOSX/cat/1.png", ".hidden/1.png", "dog/._1.png"})
    add_image(folder / name);
  add_file(folder / "cat/.DS_Store");
  const data::OpenedImages opened = data::open_images(folder.path(), Split::train);
  CHECK(opened.source->class_names() == Strings{"cat", "dog"});
  CHECK(opened.source->size() == 2);
  CHECK(opened.notes.empty());

  const TemporaryFolder split;
  for (const char* name : {"train/a/1.png", "test/a/1.png", "train/__MACOSX/1.png"}) add_image(split / name);
  CHECK(data::open_images(split.path(), Split::train).source->class_names() == Strings{"a"});
  CHECK(data::is_hidden(".a"));
  for (const char* name : {"__MACOSX", ".git", "Thumbs.db", "$RECYCLE.BIN", "@eaDir", "System Volume Information"})
    CHECK(data::is_hidden(name));
  CHECK_FALSE(data::is_hidden("__MACOSX2"));
}

TEST_CASE("regression 15: files of other endings and the held-out tenth are counted and named") {
  const TemporaryFolder folder;
  for (int i = 0; i < 20; ++i) add_image(folder / ("a/" + std::to_string(i) + ".png"));
  add_image(folder / "b/1.png");
  for (int i = 0; i < 40; ++i) add_file(folder / ("b/" + std::to_string(i) + (i % 2 ? ".gif" : ".GIF")));
  add_file(folder / "a/notes.txt");
  add_file(folder / "a/LICENSE");
  add_file(folder / "a/deep/notes.txt");
  const Strings notes = data::open_images(folder.path(), Split::train).notes;
  REQUIRE(notes.size() == 2);
  CHECK(notes[0] == "40 .gif files, 2 .txt files and 1 file without an ending in " + folder.path() +
                        " are not read: only PNG, JPEG and WebP files are");
  CHECK(notes[1] == "2 of the 21 images in " + folder.path() + ", every 10th of each class, are held out for testing");
  CHECK(data::open_images(folder.path(), Split::test).notes == notes);

  const TemporaryFolder split;
  add_image(split / "train/a/1.png");
  add_image(split / "test/a/1.png");
  CHECK(data::open_images(split.path(), Split::test).notes.empty());
  add_file(split / "train/a/1.gif");
  CHECK(data::open_images(split.path(), Split::train).notes ==
        Strings{"1 .gif file in " + split / "train" + " is not read: only PNG, JPEG and WebP files are"});

  add_file(folder / "c/1.tif");
  CHECK(contains(message_of<IoError>([&] { data::open_images(folder.path(), Split::train); }),
                 folder / "c" + ": it has no image (PNG, JPEG and WebP files), and what it has is not read: 1 .tif"));
  const TemporaryFolder drawings;
  for (const char* name : {"a/1.heic", "b/1.heic", "b/2.heic"}) add_file(drawings / name);
  CHECK(contains(message_of<IoError>([&] { data::open_images(drawings.path(), Split::train); }),
                 "; what it has is not read: 3 .heic files"));
}

TEST_CASE("regression 15: videos that no caption names, and those held out, are counted") {
  const TemporaryFolder folder;
  std::string list;
  for (int i = 0; i < 12; ++i) {
    const std::string name = std::to_string(i) + ".gif";
    data::write_clip(folder / name, square_clip(2, 6, 6), 8);
    if (i < 10) list += name + "\tnumber " + std::to_string(i) + "\n";
  }
  write_bytes(folder / "captions.txt", list);
  write_bytes(folder / "._0.gif", "x");
  const Strings notes = data::VideoFolder(folder.path()).notes();
  REQUIRE(notes.size() == 2);
  CHECK(notes[0] == "2 videos in " + folder.path() + " are not read: the list of captions does not name them");
  CHECK(notes[1] == "1 of the 10 videos in " + folder.path() + ", every 10th, are held out for testing");
}

TEST_CASE("regression 15: train_dit says once what it does not read") {
  const TemporaryFolder folder;
  for (int i = 0; i < 10; ++i) add_image(folder / ("data/a/" + std::to_string(i) + ".png"), 10 * i);
  for (int i = 0; i < 3; ++i) add_file(folder / ("data/a/" + std::to_string(i) + ".gif"));
  const Outcome run = run_program("train_dit", {"--data",
                                                folder / "data",
                                                "--out",
                                                folder / "run",
                                                "--hidden",
                                                "8",
                                                "--depth",
                                                "1",
                                                "--heads",
                                                "2",
                                                "--patch",
                                                "4",
                                                "--batch-size",
                                                "2",
                                                "--steps",
                                                "2",
                                                "--warmup",
                                                "1",
                                                "--sample-every",
                                                "0",
                                                "--sampling-steps",
                                                "1"});
  CAPTURE(run.output);
  CHECK(run.status == 0);
  CHECK(contains(run.output, "note: 3 .gif files in " + folder / "data" + " are not read"));
  CHECK(contains(run.output, "note: 1 of the 10 images in " + folder / "data"));
  CHECK(notes_in(run.output) == 2);
}
