// Ten faults in each layout of images, and the sentence that each of them is answered with.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include <ditharos/data/codecs/jpeg.h>
#include <ditharos/data/codecs/png.h>
#include <ditharos/data/datasets/open.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/file.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::Split;

namespace fs = std::filesystem;

namespace {

/// Four images in one of the layouts: the names of the files, and the list, a line for each.
struct Layout {
  const char* name;
  std::vector<std::string> files;
  std::string list = {};  // its name
  std::function<std::string(const std::string& file)> line = {};
};
const std::vector<Layout>& layouts() {
  static const std::vector<Layout> all{
      {"class folders", {"cat/1.jpg", "cat/2.png", "dog/1.jpg", "dog/2.png"}},
      {"imagefolder",
       {"1.jpg", "2.png", "3.jpg", "4.png"},
       "metadata.jsonl",
       [](const std::string& file) { return "{\"file_name\": \"" + file + "\", \"text\": \"of " + file + "\"}\n"; }},
      {"captions",
       {"1.jpg", "2.png", "3.jpg", "4.png"},
       "captions.txt",
       [](const std::string& file) { return file + "\tof " + file + "\n"; }},
      {"flat folder", {"1.jpg", "2.png", "3.jpg", "4.png"}}};
  return all;
}

class Set {
 public:
  explicit Set(const Layout& layout) : layout_(layout) {
    for (size_t i = 0; i < layout.files.size(); ++i) {
      write(i, bytes(i, 8, 8));
      if (layout.line) list_ += layout.line(layout.files[i]);
    }
    write_list("");
  }
  std::string path(size_t i) const { return folder_ / layout_.files[i]; }
  const std::string& root() const { return folder_.path(); }
  /// A file of the layout's list, as messages name it.
  std::string list() const { return folder_ / layout_.list; }
  bool has_list() const { return !layout_.list.empty(); }
  const std::vector<std::string>& names() const { return layout_.files; }
  /// "" where the layout has no list.
  std::string line(const std::string& file) const { return layout_.line ? layout_.line(file) : ""; }

  std::string bytes(size_t i, int64_t height, int64_t width) const {
    const Tensor image = full({3, height, width}, static_cast<double>(10 * i), DType::u8);
    return path(i).ends_with(".jpg") ? data::encode_jpeg(image, 90, "a") : data::encode_png(image, "a");
  }
  void write(size_t i, const std::string& contents) const {
    fs::create_directories(fs::path(path(i)).parent_path());
    write_bytes(path(i), contents);
  }
  void write_list(const std::string& more) const {
    if (has_list()) write_bytes(list(), list_ + more);
  }
  /// What open_images refuses it with; "" when it does not.
  std::string refusal(const data::ImageFilesOptions& options = {}) const {
    return message_of<IoError>(
        [&] { static_cast<void>(data::open_images(root(), Split::train, {.files = options, .shapes = {}})); });
  }
  data::OpenedImages opened(const data::ImageFilesOptions& options = {}) const {
    return data::open_images(root(), Split::train, {.files = options, .shapes = {}});
  }
  /// A damaged file stops the reading with this reason, or is left out and named.
  void check_damaged(size_t i, const std::string& reason, bool when_opened = true) const {
    const std::string sentence = "cannot read " + path(i) + ": " + reason;
    CAPTURE(sentence);
    if (when_opened) CHECK_MESSAGE(contains(refusal(), sentence), refusal());
    const data::OpenedImages rest = opened({.on_damaged = data::OnDamaged::skip});
    CHECK(rest.source->size() == 3);
    REQUIRE(rest.skipped.size() == 1);
    CHECK_MESSAGE(contains(rest.skipped[0], sentence), rest.skipped[0]);
  }

 private:
  const Layout& layout_;
  TemporaryFolder folder_;
  std::string list_;
};

/// Runs a check on every layout.
void in_each_layout(const std::function<void(Set&)>& check) {
  for (const Layout& layout : layouts()) {
    CAPTURE(layout.name);
    Set set(layout);
    REQUIRE(set.refusal().empty());
    check(set);
  }
}

}  // namespace

TEST_CASE("image faults: 1 cut off") {
  in_each_layout([](Set& set) {
    set.write(0, set.bytes(0, 8, 8).substr(0, set.bytes(0, 8, 8).size() - 2));
    set.check_damaged(0, "its data are damaged or cut off");
    set.write(0, set.bytes(0, 8, 8));
    set.write(1, set.bytes(1, 8, 8).substr(0, 40));
    set.check_damaged(1, "the file is cut off");
  });
}

TEST_CASE("image faults: 2 empty: a file, a folder, a list") {
  in_each_layout([](Set& set) {
    set.write(2, "");
    set.check_damaged(2, "the file is empty");
    for (size_t i = 0; i < 4; ++i) fs::remove(set.path(i));
    if (set.has_list()) write_bytes(set.list(), "\n");
    CHECK(contains(set.refusal(), set.has_list() ? "it lists no file" : "nor images (PNG, JPEG or WebP)"));
  });
  const TemporaryFolder folder;
  fs::create_directories(folder / "a");
  CHECK(contains(message_of<IoError>([&] { static_cast<void>(data::open_images(folder.path(), Split::train)); }),
                 "it has neither IDX files"));
}

TEST_CASE("image faults: 3 wrong count: a listed file that is missing, and files that no list names") {
  in_each_layout([](Set& set) {
    fs::remove(set.path(1));
    if (!set.has_list()) {
      CHECK(set.opened().source->size() == 3);  // a folder without a list has as many images as it has files
      return;
    }
    const std::string sentence =
        "cannot read " + set.path(1) + ": there is no such file, and " + set.list() + ":2 names it";
    CHECK(set.refusal() == sentence);
    CHECK(set.opened({.on_damaged = data::OnDamaged::skip}).skipped == std::vector<std::string>{sentence});
    set.write(1, set.bytes(1, 8, 8));
    write_bytes(set.root() + "/extra.png", set.bytes(1, 8, 8));
    CHECK(contains(set.opened().notes.at(0), "1 image in " + set.root() + " is not read"));
  });
}

TEST_CASE("image faults: 4 wrong type") {
  in_each_layout([](Set& set) {
    set.write(3, "%PDF-1.4 a document");
    set.check_damaged(3, "it is no image; PNG, JPEG and WebP are read");
    set.write(3, "GIF89a");
    set.check_damaged(3, "it is a GIF image; PNG, JPEG and WebP are read");
    set.write(3, set.bytes(0, 8, 8));  // a JPEG by the name of a PNG is read
    CHECK(set.refusal().empty());
  });
}

TEST_CASE("image faults: 5 mixed sizes") {
  in_each_layout([](Set& set) {
    set.write(2, set.bytes(2, 6, 10));
    CHECK(set.refusal() == "cannot use " + set.path(2) + ": it has 10 x 6 pixels, but " + set.path(0) +
                               " has 8 x 8; give a size, as in --size 64, to crop and scale them all to");
    CHECK(set.opened({.height = 4, .width = 4}).source->size() == 4);
  });
}

TEST_CASE("image faults: 6 unreadable") {
  in_each_layout([](Set& set) {
    fs::remove(set.path(1));
    fs::create_directory(set.path(1));
    set.check_damaged(1, "it is not a regular file");
    fs::remove(set.path(1));
    set.write(1, set.bytes(1, 8, 8));
    fs::permissions(set.path(1), fs::perms::none);
    if (::geteuid() != 0) set.check_damaged(1, "Permission denied");  // root may read it
  });
}

TEST_CASE("image faults: 7 duplicate") {
  in_each_layout([](Set& set) {
    if (set.has_list()) {
      set.write_list(set.line(set.names()[1]));
      CHECK(contains(set.refusal(), set.list() + ":5: it names " + set.names()[1]));
      CHECK(contains(set.refusal(), "a second time, after line 2"));
      set.write_list("");
    }
    set.write(3, set.bytes(1, 8, 8));
    const data::OpenedImages opened = set.opened();
    CHECK(opened.source->size() == 4);
    CHECK(opened.notes ==
          std::vector<std::string>{"1 of the 4 files in " + set.root() + " has the same bytes as another one (" +
                                   set.names()[3] + " as " + set.names()[1] + ")"});
  });
}

TEST_CASE("image faults: 8 missing caption or class") {
  in_each_layout([](Set& set) {
    const std::string jsonl = "metadata.jsonl", text = "captions.txt";
    if (set.list().ends_with(jsonl)) {
      set.write_list("{\"file_name\": \"4.png\"}\n");
      CHECK(contains(set.refusal(), set.list() + ":5: 4.png has neither a text nor a label"));
      set.write_list("{\"file_name\": \"4.png\", \"label\": 1}\n");
      CHECK(contains(set.refusal(), ":5: 4.png has no text, and 1.jpg on line 1 has one"));
      set.write_list("{\"file_name\": \"4.png\", \"text\": \"\"}\n");
      CHECK(contains(set.refusal(), ":5: the text of 4.png is empty"));
      set.write_list("{\"file_name\": \"4.png\", \"text\": 7}\n");
      CHECK(contains(set.refusal(), ":5: the value of \"text\" must be a string"));
      set.write_list("{\"file_name\": \"4.png\", \"label\": -1, \"text\": \"a\"}\n");
      CHECK(contains(set.refusal(), ":5: the value of \"label\" must be a string or a whole number"));
      set.write_list("[\"4.png\"]\n");
      CHECK(contains(set.refusal(), ":5: the line is no object"));
      set.write_list("{\"file_name\": \"4.png\", \"text\n");
      CHECK(contains(set.refusal(), set.list() + ":5: "));
    } else if (set.list().ends_with(text)) {
      set.write_list("4.png\t\n");
      CHECK(contains(set.refusal(), set.list() + ":5: "));
      set.write_list("4.png\n");
      CHECK(contains(set.refusal(), ":5: there is no tab with a caption behind the file's name"));
    } else if (set.names()[0] == "cat/1.jpg") {
      fs::create_directory(set.root() + "/emu");
      CHECK(set.refusal() == "cannot use " + set.root() + "/emu: it has no image (PNG, JPEG and WebP files)");
    } else {
      CHECK(set.opened().source->caption(0).empty());
      CHECK(set.opened().source->num_classes() == 0);
    }
  });
}

TEST_CASE("image faults: 9 huge") {
  in_each_layout([](Set& set) {
    std::string bomb = set.bytes(0, 8, 8);
    bomb.replace(bomb.find("\xff\xc0") + 5, 4, "\xff\x00\xff\x00", 4);
    set.write(0, bomb);
    set.check_damaged(0, "it has 1 image of 65280 x 65280 pixels, more than the 33554432");
    set.write(0, set.bytes(0, 8, 8));
    set.write(1, PngParts{.width = 30000, .height = 1000, .lines = std::string(9, '\0')}.bytes());
    set.check_damaged(1, "its header announces 30000 x 1000 pixels, more than a file of");
  });
}

TEST_CASE("image faults: 10 hostile path") {
  const TemporaryFolder elsewhere;
  data::write_png(elsewhere / "a.png", full({3, 8, 8}, 1, DType::u8));
  in_each_layout([&](Set& set) {
    fs::remove(set.path(1));
    fs::create_symlink(elsewhere / "a.png", set.path(1));
    CHECK(contains(set.refusal(),
                   set.path(1) + ": it is a symbolic link to " + elsewhere / "a.png" + ", which lies outside of"));
    fs::remove(set.path(1));
    fs::create_symlink("1.jpg", set.path(1));  // within the folder
    CHECK(set.refusal().empty());
    if (!set.has_list()) return;
    for (const std::string& name : {elsewhere / "a.png", std::string("../a.png"), std::string("x/../../a.png")}) {
      set.write_list(set.line(name));
      CHECK(contains(set.refusal(), set.list() + ":5: the file " + name + " does not lie in the folder of the list"));
    }
    fs::create_directory_symlink(elsewhere.path(), set.root() + "/out");
    set.write_list(set.line("out/a.png"));
    CHECK(contains(set.refusal(), "which lies outside of " + set.root()));
  });
  const TemporaryFolder classes;
  fs::create_directories(classes / "a");
  data::write_png(classes / "a/1.png", full({3, 8, 8}, 1, DType::u8));
  fs::create_directory_symlink(elsewhere.path(), classes / "b");
  CHECK(contains(message_of<IoError>([&] { static_cast<void>(data::open_images(classes.path(), Split::train)); }),
                 classes / "b" + ": it is a symbolic link to"));
  fs::remove(classes / "b");
  fs::create_directory_symlink(classes.path(), classes / "a/loop");  // is not followed
  CHECK(data::open_images(classes.path(), Split::train).source->size() == 1);
}
