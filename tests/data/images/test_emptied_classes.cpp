// Classes whose images are all damaged: they stay classes, and a note names them.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include <ditharos/data/datasets/open.h>
#include "tests/data/damaged_images.h"
#include "tests/data/tar_bytes.h"
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;

namespace fs = std::filesystem;

namespace {

std::string sound(int value) { return png_bytes(value, 1, 8, 8); }
std::string damaged(int value) { return with_damaged_pixels(sound(value)); }

data::OpenedImages open(const std::string& path, data::Split split = data::Split::train, int64_t memory = 1 << 20) {
  data::ImageFilesOptions options{.on_damaged = data::OnDamaged::skip};
  options.memory_bytes = memory;
  return data::open_images(path, split, {.files = options, .shapes = {}});
}

std::vector<std::string> about_classes(const data::OpenedImages& set) {
  std::vector<std::string> notes = set.notes;
  std::erase_if(notes, [](const std::string& note) { return !contains(note, "no samples"); });
  return notes;
}

/// A folder for each letter: 's' a sound image, 'd' one with damaged pixels, 'h' one with a damaged header.
void write_classes(const std::string& folder, const std::vector<std::pair<std::string, std::string>>& classes) {
  int value = 10;
  for (const auto& [name, images] : classes) {
    fs::create_directories(folder + "/" + name);
    for (size_t i = 0; i < images.size(); ++i, ++value)
      write_bytes(folder + "/" + name + "/" + std::to_string(i) + ".png", images[i] == 's'   ? sound(value)
                                                                          : images[i] == 'd' ? damaged(value)
                                                                                             : "no image");
  }
}

}  // namespace

TEST_CASE("emptied classes: a note names each class and its count, and the numbers of the others stay") {
  const TemporaryFolder folder;
  write_classes(folder / "set/train", {{"a", "ss"}, {"b", "ddh"}, {"c", "sd"}, {"d", "h"}, {"e", "s"}});
  write_classes(folder / "set/test", {{"a", "s"}, {"b", "s"}, {"c", "d"}, {"d", "s"}, {"e", "s"}});
  for (const int64_t memory : {0, 1 << 20}) {
    const data::OpenedImages train = open(folder / "set", data::Split::train, memory);
    CHECK(about_classes(train) == std::vector<std::string>{"class \"b\" has no samples: all 3 are damaged",
                                                           "class \"d\" has no samples: the only one is damaged"});
    CHECK(train.source->class_names() == std::vector<std::string>{"a", "b", "c", "d", "e"});
    CHECK(train.source->size() == 4);
    CHECK(train.source->label(2) == 2);
    CHECK(train.source->label(3) == 4);
  }
  const data::OpenedImages test = open(folder / "set", data::Split::test);
  CHECK(about_classes(test) == std::vector<std::string>{"class \"c\" has no samples: the only one is damaged"});
  CHECK(test.source->label(2) == 3);
}

TEST_CASE("emptied classes: none is noted where each class keeps an image, and all classes are an error") {
  const TemporaryFolder folder;
  write_classes(folder / "some", {{"a", "sd"}, {"b", "dhs"}});
  CHECK(about_classes(open(folder / "some")).empty());
  write_classes(folder / "all", {{"a", "dd"}, {"b", "h"}});
  CHECK(contains(message_of<IoError>([&] { static_cast<void>(open(folder / "all")); }), "every image of the train"));
  fs::create_directories(folder / "flat");
  write_bytes(folder / "flat/0.png", damaged(1));
  write_bytes(folder / "flat/1.png", sound(2));
  CHECK(about_classes(open(folder / "flat")).empty());
}

TEST_CASE("emptied classes: of many the first are named and the others counted") {
  const TemporaryFolder folder;
  std::vector<std::pair<std::string, std::string>> classes{{"z", "s"}};
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g"}) classes.push_back({name, "d"});
  write_classes(folder / "set", classes);
  const std::vector<std::string> notes = about_classes(open(folder / "set"));
  REQUIRE(notes.size() == 6);
  CHECK(notes[4] == "class \"e\" has no samples: the only one is damaged");
  CHECK(notes[5] == "2 more classes have no samples but damaged ones");
}

TEST_CASE("emptied classes: lists and WebDatasets have the same note, but not for classes that had no image") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "list");
  write_bytes(folder / "list/0.png", damaged(1));
  write_bytes(folder / "list/1.png", sound(2));
  write_bytes(folder / "list/metadata.jsonl",
              "{\"file_name\": \"0.png\", \"label\": \"x\"}\n"
              "{\"file_name\": \"1.png\", \"label\": \"y\"}\n");
  CHECK(about_classes(open(folder / "list")) ==
        std::vector<std::string>{"class \"x\" has no samples: the only one is damaged"});

  fs::create_directories(folder / "shards");
  write_bytes(folder / "shards/classes.txt", "w\nx\ny\n");
  write_bytes(folder / "shards/a.tar", tar_of({{"0.png", damaged(1)},
                                               {"0.cls", "x"},
                                               {"1.png", sound(2)},
                                               {"1.cls", "y"},
                                               {"2.png", sound(3)},
                                               {"2.cls", "v"}}));
  const data::OpenedImages shards = open(folder / "shards");
  CHECK(about_classes(shards) == std::vector<std::string>{"class \"x\" has no samples: the only one is damaged"});
  CHECK(shards.source->label(0) == 2);
  CHECK(shards.skipped.size() == 2);
}
