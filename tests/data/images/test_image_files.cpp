#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/datasets/images/image_files.h>
#include <ditharos/data/datasets/open.h>
#include <ditharos/data/image/resize.h>
#include <ditharos/tensor/factory.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::test_image_files {

using namespace ditharos::tests;
using data::Split;

namespace {

/// Writes an image of one value, making the folders on the way.
void add_image(const std::string& path, int value, int64_t height = 2, int64_t width = 3, int64_t channels = 1) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  data::write_png(path, full({channels, height, width}, value, DType::u8));
}
std::string refusal(const std::string& directory, const data::ImageFilesOptions& options = {},
                    Split split = Split::train) {
  return message_of<Error>([&] { data::ImageFiles(directory, split, options); });
}
std::vector<int64_t> first_bytes(const data::DataSource& set) {
  std::vector<int64_t> bytes;
  for (int64_t i = 0; i < set.size(); ++i) bytes.push_back(set.sample(i, {1, 1, 1}).data<uint8_t>()[0]);
  return bytes;
}
std::vector<int64_t> labels_of(const data::DataSource& set) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < set.size(); ++i) labels.push_back(set.label(i));
  return labels;
}
using Values = std::vector<int64_t>;

}  // namespace

TEST_CASE("image_folder: sub-folders are classes, in the order of their names") {
  TemporaryFolder folder;
  add_image(folder / "cat/b.png", 20);
  add_image(folder / "cat/a.PNG", 10);
  add_image(folder / "ant/z.png", 30);
  add_image(folder / ".hidden/z.png", 40);
  write_bytes(folder / "cat/notes.txt", "x");
  write_bytes(folder / "cat/.c.png", "x");
  write_bytes(folder / "readme", "x");
  CHECK(data::is_image_folder(folder.path()));
  const auto opened = data::open_images(folder.path(), Split::train);
  CHECK(opened.skipped.empty());
  const data::DataSource& set = *opened.source;
  CHECK(set.class_names() == std::vector<std::string>{"ant", "cat"});
  CHECK(labels_of(set) == Values{0, 1, 1});
  CHECK(first_bytes(set) == Values{30, 10, 20});
  CHECK(set.channels() == 1);
  CHECK(set.native_shape() == data::SampleShape{1, 2, 3});
}

TEST_CASE("image_folder: gray or RGB as asked, or as the files are") {
  TemporaryFolder folder;
  add_image(folder / "a/1.png", 50);
  const auto channels = [&](int64_t wanted) {
    return data::ImageFiles(folder.path(), Split::train, {.channels = wanted}).channels();
  };
  CHECK(channels(0) == 1);
  CHECK(channels(3) == 3);
  add_image(folder / "a/2.png", 60, 2, 3, 3);
  CHECK(channels(0) == 3);
  CHECK(channels(1) == 1);
}

TEST_CASE("image_folder: every tenth file of a class is a test image, unless there are folders train and test") {
  TemporaryFolder folder;
  for (int i = 0; i < 25; ++i) add_image(folder / ("a/" + std::to_string(100 + i) + ".png"), i);
  CHECK(data::ImageFiles(folder.path(), Split::train).size() == 23);
  CHECK(first_bytes(data::ImageFiles(folder.path(), Split::test)) == Values{9, 19});

  TemporaryFolder split;
  add_image(split / "train/a/1.png", 1);
  add_image(split / "test/a/1.png", 2);
  CHECK(data::is_image_folder(split.path()));
  CHECK(first_bytes(data::ImageFiles(split.path(), Split::train)) == Values{1});
  CHECK(first_bytes(data::ImageFiles(split.path(), Split::test)) == Values{2});
  add_image(split / "test/b/1.png", 2);
  CHECK(contains(refusal(split.path()), "do not have the same sub-folders"));
}

TEST_CASE("image_folder: what is no usable set is refused with path and reason") {
  TemporaryFolder folder;
  CHECK_FALSE(data::is_image_folder(folder.path()));
  CHECK(contains(refusal(folder.path()), folder.path() + ": it has no image (PNG, JPEG and WebP files)"));
  CHECK(contains(refusal(folder / "absent"), "cannot list " + folder / "absent"));
  add_image(folder / "a/1.png", 1);
  CHECK(contains(refusal(folder.path(), {}, Split::test), "no image is left for the test split"));
  std::filesystem::create_directory(folder / "b");
  CHECK(contains(refusal(folder.path()), folder / "b" + ": it has no image (PNG, JPEG and WebP files)"));
  add_image(folder / "b/1.png", 1, 4, 5);
  const std::string sizes = refusal(folder.path());
  CHECK(contains(sizes, folder / "b/1.png" + ": it has 5 x 4 pixels, but " + folder / "a/1.png" + " has 3 x 2"));
  CHECK(data::ImageFiles(folder.path(), Split::train, {.height = 3, .width = 3}).size() == 2);
  CHECK(contains(refusal(folder.path(), {.height = 3}), "must both be"));
  CHECK(contains(refusal(folder.path(), {.channels = 2}), "channels must be"));
}

TEST_CASE("image_folder: damaged files stop the reading, or are skipped and named") {
  TemporaryFolder folder;
  for (int i = 1; i <= 4; ++i) add_image(folder / ("a/" + std::to_string(i) + ".png"), i);
  write_bytes(folder / "a/2.png", "not an image");
  const std::string whole = data::read_png_file(folder / "a/3.png");
  write_bytes(folder / "a/3.png", whole.substr(0, whole.size() - 15));  // a sound header, pixels cut off
  std::filesystem::create_directory(folder / "a/5.png");
  REQUIRE(::mkfifo((folder / "a/6.png").c_str(), 0600) == 0);  // must not be waited for
  CHECK(contains(refusal(folder.path()), "cannot read " + folder / "a/2.png" + ": it is no image"));

  const data::ImageFiles set(folder.path(), Split::train, {.on_damaged = data::OnDamaged::skip});
  CHECK(first_bytes(set) == Values{1, 4});
  const std::vector<std::string>& skipped = set.skipped();
  REQUIRE(skipped.size() == 4);
  CHECK(contains(skipped[0], "a/2.png: it is no image"));
  CHECK(contains(skipped[1], "a/3.png: the file is cut off"));
  CHECK(contains(skipped[2], "a/5.png: it is not a regular file"));
  CHECK(contains(skipped[3], "a/6.png: it is not a regular file"));

  for (const char* name : {"a/1.png", "a/4.png"}) write_bytes(folder / name, "x");
  CHECK(contains(refusal(folder.path(), {.on_damaged = data::OnDamaged::skip}), "every image of the train split is"));
}

TEST_CASE("resize: crops around the middle and averages by area") {
  Tensor image({1, 2, 6}, DType::u8);
  for (int i = 0; i < 12; ++i) image.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(10 * i);
  // The middle 2 x 2 of 2 x 6 pixels are 20 30 / 80 90.
  CHECK(data::center_crop_resize(image, 1, 1).to_vector<int64_t>() == Values{55});
  CHECK(data::center_crop_resize(image, 2, 2).to_vector<int64_t>() == Values{20, 30, 80, 90});
  CHECK(data::center_crop_resize(image, 2, 6).to_vector<int64_t>() == image.to_vector<int64_t>());
  // 3 pixels to 2: each new one covers one and a half old ones.
  const Tensor three = from_vector<uint8_t>({0, 90, 240}, {1, 1, 3});
  CHECK(data::center_crop_resize(three, 2, 6).to_vector<int64_t>() ==
        Values{0, 0, 90, 90, 240, 240, 0, 0, 90, 90, 240, 240});
  const Tensor nine = from_vector<uint8_t>({0, 90, 240, 0, 90, 240, 0, 90, 240}, {1, 3, 3});
  CHECK(data::center_crop_resize(nine, 2, 2).to_vector<int64_t>() == Values{30, 190, 30, 190});
  const Tensor flat = full({3, 7, 5}, 200, DType::u8);
  for (const int64_t value : data::center_crop_resize(flat, 11, 13).to_vector<int64_t>()) CHECK(value == 200);
  CHECK_THROWS_AS(data::center_crop_resize(flat, 0, 1), ShapeError);
  CHECK_THROWS_AS(data::center_crop_resize(zeros({1, 2, 2}), 1, 1), DTypeError);
  CHECK_THROWS_AS(data::center_crop_resize(zeros({1, 0, 2}, DType::u8), 1, 1), ShapeError);
}

}  // namespace ditharos::test_image_files
