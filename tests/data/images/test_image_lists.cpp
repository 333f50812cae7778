// Sets of images with a list, without classes, and with folders within folders.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/codecs/jpeg.h>
#include <ditharos/data/codecs/png.h>
#include <ditharos/data/datasets/images/image_files.h>
#include <ditharos/data/text/csv.h>
#include <ditharos/tensor/factory.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::test_image_lists {

using namespace ditharos::tests;
using data::ImageFiles;
using data::Split;

namespace fs = std::filesystem;

namespace {

using Strings = std::vector<std::string>;
using Values = std::vector<int64_t>;

void add_image(const std::string& path, int value, int64_t height = 8, int64_t width = 8) {
  fs::create_directories(fs::path(path).parent_path());
  const Tensor image = full({1, height, width}, value, DType::u8);
  if (path.ends_with(".jpg")) write_bytes(path, data::encode_jpeg(image, 100, path));
  else data::write_png(path, image);
}
Values first_bytes(const data::DataSource& set) {
  Values bytes;
  for (int64_t i = 0; i < set.size(); ++i) bytes.push_back(set.sample(i, {1, 1, 1}).data<uint8_t>()[0]);
  return bytes;
}
Strings captions_of(const data::DataSource& set) {
  Strings captions;
  for (int64_t i = 0; i < set.size(); ++i) captions.push_back(set.caption(i));
  return captions;
}
Values labels_of(const data::DataSource& set) {
  Values labels;
  for (int64_t i = 0; i < set.size(); ++i) labels.push_back(set.label(i));
  return labels;
}
std::string refusal(const std::string& directory, Split split = Split::train) {
  return message_of<IoError>([&] { ImageFiles(directory, split); });
}

}  // namespace

TEST_CASE("image lists: captions.txt, with several captions for one image") {
  const TemporaryFolder folder;
  add_image(folder / "a.png", 10);
  add_image(folder / "deep/b.jpg", 20);
  add_image(folder / "c.png", 30);
  write_bytes(folder / "captions.txt", "deep/b.jpg\ta bag\n./a.png\ta boot\na.png\tan old boot\n");
  const ImageFiles set(folder.path(), Split::train);
  CHECK(captions_of(set) == Strings{"a bag", "a boot", "an old boot"});
  CHECK(first_bytes(set) == Values{20, 10, 10});
  CHECK(set.class_names().empty());
  CHECK(set.has_captions());
  CHECK_THROWS_AS(set.label(0), Error);
  CHECK(set.notes() == Strings{"1 image in " + folder.path() + " is not read: captions.txt does not name it (c.png)"});
}

TEST_CASE("image lists: metadata.jsonl with texts, with names of classes, and with numbers") {
  const TemporaryFolder folder;
  for (int i = 0; i < 3; ++i) add_image(folder / (std::to_string(i) + ".png"), 10 * i);
  const auto list = [&](const std::string& text) { write_bytes(folder / "metadata.jsonl", text); };
  list(
      "{\"file_name\": \"1.png\", \"text\": \"a b\xc3\xa4r\", \"objects\": {\"text\": [1, \"x\"]}, \"n\": null}\n\n"
      "{\"text\": \"tab\\there\", \"file_name\": \"0.png\", \"width\": 8}\r\n");
  CHECK(captions_of(ImageFiles(folder.path(), Split::train)) == Strings{"a b\xc3\xa4r", "tab\there"});
  CHECK(first_bytes(ImageFiles(folder.path(), Split::train)) == Values{10, 0});

  list(
      "{\"file_name\": \"0.png\", \"label\": \"dog\"}\n{\"file_name\": \"1.png\", \"label\": \"cat\"}\n"
      "{\"file_name\": \"2.png\", \"label\": \"dog\"}\n");
  const ImageFiles named(folder.path(), Split::train);
  CHECK(named.class_names() == Strings{"cat", "dog"});
  CHECK(labels_of(named) == Values{1, 0, 1});
  CHECK(captions_of(named) == Strings{"dog", "cat", "dog"});
  CHECK_FALSE(named.has_captions());

  list(
      "{\"file_name\": \"0.png\", \"label\": 2, \"text\": \"two\"}\n"
      "{\"file_name\": \"1.png\", \"label\": 0, \"text\": \"none\"}\n");
  const ImageFiles numbered(folder.path(), Split::train);
  CHECK(numbered.class_names() == Strings{"0", "1", "2"});
  CHECK(labels_of(numbered) == Values{2, 0});
  CHECK(captions_of(numbered) == Strings{"two", "none"});
  write_bytes(folder / "classes.txt", "cat\ndog\nemu\ngnu\n");
  CHECK(ImageFiles(folder.path(), Split::train).class_names() == Strings{"cat", "dog", "emu", "gnu"});
}

TEST_CASE("image lists: metadata.csv, with fields in quotes") {
  const TemporaryFolder folder;
  for (int i = 0; i < 2; ++i) add_image(folder / (std::to_string(i) + ".png"), 10 * i);
  write_bytes(folder / "metadata.csv",
              "\xef\xbb\xbfid,file_name,text\r\n7,1.png,\"a \"\"big\"\", red\r\nbag\"\r\n"
              "8,\"0.png\",boot\r\n");
  CHECK(captions_of(ImageFiles(folder.path(), Split::train)) == Strings{"a \"big\", red\r\nbag", "boot"});
  write_bytes(folder / "metadata.csv", "file_name,label\n0.png,10\n1.png,2\n");
  CHECK(ImageFiles(folder.path(), Split::train).num_classes() == 11);
  write_bytes(folder / "metadata.csv", "file_name,label\n0.png,10\n1.png,b\n");
  CHECK(ImageFiles(folder.path(), Split::train).class_names() == Strings{"10", "b"});
  const auto refused = [&](const std::string& text) {
    write_bytes(folder / "metadata.csv", text);
    return refusal(folder.path());
  };
  CHECK(contains(refused("name,text\n0.png,a\n"), "its first line names no column file_name"));
  CHECK(contains(refused("file_name,text\n\n0.png,a,b\n"), "csv:3: it has 3 fields, and the first line has 2"));
  CHECK(contains(refused("file_name,text\n0.png,\"a\n1.png,b\n"), "line 2: a field in quotes does not end"));
  CHECK(contains(refused("file_name,text\n0.png,\"a\"b\n"), "line 2: text stands behind the end of a field in quotes"));
  CHECK(contains(refused("file_name\n0.png\n"), "metadata.csv:2: 0.png has neither a text nor a label"));
  CHECK(contains(refused("file_name,text\n"), "it lists no file"));
  CHECK(data::read_csv("").empty());
}

TEST_CASE("image lists: folders train and test, and the names that Hugging Face gives them") {
  for (const std::string test : {"test", "validation", "val"}) {
    const TemporaryFolder folder;
    add_image(folder / "train/a.png", 1);
    add_image(folder / "train/b.png", 2);
    add_image(folder / (test + "/a.png"), 3);
    CHECK(first_bytes(ImageFiles(folder.path(), Split::train)) == Values{1, 2});  // without classes
    CHECK(first_bytes(ImageFiles(folder.path(), Split::test)) == Values{3});
    write_bytes(folder / "train/metadata.jsonl",
                "{\"file_name\": \"a.png\", \"label\": \"x\"}\n"
                "{\"file_name\": \"b.png\", \"label\": \"y\"}\n");
    CHECK(contains(message_of<IoError>([&] {
                     write_bytes(folder / (test + "/metadata.jsonl"), "{\"file_name\": \"a.png\", \"label\": \"z\"}\n");
                     ImageFiles(folder.path(), Split::test);
                   }),
                   "metadata.jsonl:1: the label z of a.png is none of the 2 classes of " + folder / "train"));
    write_bytes(folder / (test + "/metadata.jsonl"), "{\"file_name\": \"a.png\", \"label\": \"y\"}\n");
    const ImageFiles set(folder.path(), Split::test);
    CHECK(labels_of(set) == Values{1});
    CHECK(set.class_names() == Strings{"x", "y"});
  }
  const TemporaryFolder alone;
  for (int i = 0; i < 10; ++i) add_image(alone / ("train/a/" + std::to_string(i) + ".png"), i);
  CHECK(ImageFiles(alone.path(), Split::train).size() == 9);
  CHECK(ImageFiles(alone.path(), Split::train).class_names() == Strings{"a"});
  add_image(alone / "bus/1.png", 1);  // beside other folders, train is a class
  CHECK(ImageFiles(alone.path(), Split::train).class_names() == Strings{"bus", "train"});
  add_image(alone / "val/a/1.png", 1);
  CHECK(ImageFiles(alone.path(), Split::train).notes() ==
        Strings{"1 folder in " + alone.path() + " beside train and val is not read (bus)"});
}

TEST_CASE("image lists: every tenth image is held out with all of its captions, of each class where there are any") {
  const TemporaryFolder folder;
  std::string captions, labels;
  for (int i = 0; i < 20; ++i) {
    const std::string name = std::to_string(100 + i) + ".png";
    add_image(folder / name, i);
    captions += name + "\tone\n" + name + "\tother\n";
    labels += "{\"file_name\": \"" + name + "\", \"label\": " + std::to_string(i % 2) + "}\n";
  }
  write_bytes(folder / "captions.txt", captions);
  CHECK(first_bytes(ImageFiles(folder.path(), Split::test)) == Values{9, 9, 19, 19});
  CHECK(ImageFiles(folder.path(), Split::train).size() == 36);
  fs::remove(folder / "captions.txt");
  write_bytes(folder / "metadata.jsonl", labels);
  CHECK(first_bytes(ImageFiles(folder.path(), Split::test)) == Values{18, 19});
  fs::remove(folder / "metadata.jsonl");
  const ImageFiles flat(folder.path(), Split::test);
  CHECK(first_bytes(flat) == Values{9, 19});
  CHECK(flat.notes() == Strings{"2 of the 20 images in " + folder.path() + ", every 10th, are held out for testing"});
}

TEST_CASE("image files: folders within a class belong to it, in the order of the names' bytes") {
  const TemporaryFolder folder;
  add_image(folder / "b/z.png", 1);
  add_image(folder / "b/m/deep/1.png", 2);
  add_image(folder / "b/m.png", 3);
  add_image(folder / "a/only/below/1.jpg", 4);
  add_image(folder / "b/@eaDir/z.png", 5);
  add_image(folder / "$RECYCLE.BIN/z.png", 6);
  const ImageFiles set(folder.path(), Split::train);
  CHECK(first_bytes(set) == Values{4, 3, 2, 1});
  CHECK(set.class_names() == Strings{"a", "b"});
  add_image(folder / "here.png", 7);
  CHECK(contains(refusal(folder.path()), "images lie in the folder itself (here.png) and in its sub-folder a"));
}

TEST_CASE("image files: the same bits from memory and from the files, in every shape") {
  const TemporaryFolder folder;
  for (int i = 0; i < 6; ++i) {
    Tensor image({3, 20 + i, 31 - 2 * i}, DType::u8);
    for (int64_t k = 0; k < image.numel(); ++k) image.mutable_data<uint8_t>()[k] = static_cast<uint8_t>(k * (i + 3));
    write_bytes(folder / (std::to_string(i) + ".jpg"), data::encode_jpeg(image, 90, "a"));
  }
  for (const data::Fit fit : {data::Fit::crop, data::Fit::stretch}) {
    for (const data::Resample resample : {data::Resample::area, data::Resample::lanczos}) {
      data::ImageFilesOptions options{.height = 9, .width = 12, .fit = fit, .resample = resample};
      const ImageFiles kept(folder.path(), Split::train, options);
      options.memory_bytes = kept.size() * 3 * 9 * 12 - 1;
      const ImageFiles lazy(folder.path(), Split::train, options);
      CHECK(kept.in_memory());
      CHECK_FALSE(lazy.in_memory());
      CHECK(kept.checksum() == lazy.checksum());
      CHECK(kept.stored_sample(2, {1, 9, 12}) != nullptr);
      CHECK(lazy.stored_sample(2, {1, 9, 12}) == nullptr);
      for (const data::SampleShape shape : {data::SampleShape{1, 9, 12}, {2, 9, 12}, {1, 5, 5}}) {
        for (int64_t i = 0; i < kept.size(); ++i) {
          const Tensor a = kept.sample(i, shape), b = lazy.sample(i, shape);
          CHECK(a.shape() == Shape{shape.frames, 3, shape.height, shape.width});
          CHECK(a.is_contiguous());
          CHECK(a.to_vector<uint8_t>() == b.to_vector<uint8_t>());
        }
      }
    }
  }
  const ImageFiles mixed(folder.path(), Split::train, {.mixed_sizes = true});
  CHECK_FALSE(mixed.native_shape().has_value());
  CHECK(mixed.encoded(1).height == 21);
  CHECK(mixed.encoded(1).width == 29);
  CHECK(mixed.sample(1, {1, 9, 12}).to_vector<uint8_t>() ==
        ImageFiles(folder.path(), Split::train, {.height = 9, .width = 12}).sample(1, {1, 9, 12}).to_vector<uint8_t>());
}

TEST_CASE("image files: the checksum knows contents, names, labels, captions and the way to the samples") {
  const TemporaryFolder folder;
  add_image(folder / "a/1.png", 1);
  add_image(folder / "b/1.png", 2);
  const auto checksum = [&](const data::ImageFilesOptions& options = {}) {
    return ImageFiles(folder.path(), Split::train, options).checksum();
  };
  std::vector<uint32_t> seen{checksum()};
  CHECK(checksum() == seen[0]);
  for (const data::ImageFilesOptions& options :
       std::vector<data::ImageFilesOptions>{{.channels = 3},
                                            {.height = 4, .width = 4},
                                            {.fit = data::Fit::stretch},
                                            {.resample = data::Resample::lanczos},
                                            {.background = {0, 0, 0}}})
    seen.push_back(checksum(options));
  add_image(folder / "b/1.png", 3);
  seen.push_back(checksum());
  fs::rename(folder / "b/1.png", folder / "b/2.png");
  seen.push_back(checksum());
  fs::rename(folder / "b/2.png", folder / "a/2.png");
  fs::rename(folder / "a/1.png", folder / "b/1.png");
  seen.push_back(checksum());
  write_bytes(folder / "captions.txt", "b/1.png\tone\n");
  seen.push_back(checksum());
  write_bytes(folder / "captions.txt", "b/1.png\ttwo\n");
  seen.push_back(checksum());
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("image files: progress is told of every file, and a file that changes later is an error") {
  const TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) add_image(folder / (std::to_string(i) + ".png"), i);
  Values told;
  const ImageFiles set(folder.path(), Split::train, {.memory_bytes = 0, .progress = [&](int64_t done, int64_t total) {
                                                       CHECK(total == 5);
                                                       told.push_back(done);
                                                     }});
  CHECK(told == Values{1, 2, 3, 4, 5});
  add_image(folder / "3.png", 99);
  CHECK(contains(message_of<IoError>([&] { set.sample(3, {1, 8, 8}); }),
                 "cannot read " + folder / "3.png" + ": it has changed since the set was opened"));
  CHECK(set.sample(4, {1, 8, 8}).data<uint8_t>()[0] == 4);
}

}  // namespace ditharos::test_image_lists
