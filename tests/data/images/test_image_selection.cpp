// With OnDamaged::skip every image is decoded once, and not at all where an earlier opening has found the damaged ones.
#include <doctest/doctest.h>

#include <filesystem>
#include <functional>

#include <ditharos/data/codecs/jpeg.h>
#include <ditharos/data/codecs/png.h>
#include <ditharos/data/datasets/images/image_files.h>
#include <ditharos/data/datasets/webdataset/web_dataset.h>
#include <ditharos/tensor/io/file.h>
#include "tests/data/damaged_images.h"
#include "tests/data/tar_bytes.h"
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

namespace ditharos::test_image_selection {

using namespace ditharos::tests;
namespace fs = std::filesystem;
using data::DecodedImages;
using data::ImageFilesOptions;
using data::OnDamaged;

namespace {

using Opened = std::unique_ptr<const DecodedImages>;

/// The same ten images in one of several layouts. All are in the training split.
struct Layout {
  const char* name;
  /// Writes images[i] as number i, and no file where it is empty.
  std::function<void(const std::string& folder, const std::vector<std::string>& images)> write;
  std::function<Opened(const std::string& folder, const ImageFilesOptions& options)> open;
};

Opened open_files(const std::string& folder, const ImageFilesOptions& options) {
  return std::make_unique<data::ImageFiles>(folder, data::Split::train, options);
}
std::string number(size_t i) { return std::to_string(100 + i); }

void write_folder(const std::string& folder, const std::vector<std::string>& images) {
  fs::remove_all(folder);
  for (const char* split : {"/train", "/test"}) fs::create_directories(folder + split);
  write_bytes(folder + "/test/0.png", png_bytes(1, 1, 6, 8));
  for (size_t i = 0; i < images.size(); ++i)
    if (!images[i].empty()) write_bytes(folder + "/train/" + number(i) + ".png", images[i]);
}
/// Every image has two captions, so it is two samples.
void write_list(const std::string& folder, const std::vector<std::string>& images) {
  write_folder(folder, images);
  std::string list;
  for (size_t i = 0; i < images.size(); ++i)
    for (const char* caption : {"one", "two"})
      if (!images[i].empty()) list += number(i) + ".png\t" + caption + "\n";
  write_bytes(folder + "/train/captions.txt", list);
  write_bytes(folder + "/test/captions.txt", "0.png\tone\n");
}
void write_tar(const std::string& folder, const std::vector<std::string>& images) {
  fs::remove_all(folder);
  for (const char* split : {"/train", "/test"}) fs::create_directories(folder + split);
  std::vector<TarPart> parts;
  for (size_t i = 0; i < images.size(); ++i) {
    if (images[i].empty()) continue;
    parts.push_back({number(i) + ".png", images[i]});
    parts.push_back({number(i) + ".txt", "image " + number(i)});
  }
  write_bytes(folder + "/train/a.tar", tar_of(parts));
  write_bytes(folder + "/test/a.tar", tar_of(parts));
}
const std::vector<Layout>& layouts() {
  static const std::vector<Layout> all{
      {"folder", write_folder, open_files},
      {"list", write_list, open_files},
      {"shard", write_tar, [](const std::string& folder, const ImageFilesOptions& options) -> Opened {
         return std::make_unique<data::WebDataset>(folder, data::Split::train, options);
       }}};
  return all;
}

/// Ten images of 6 x 8 pixels.
std::vector<std::string> ten_images(int64_t channels = 3) {
  std::vector<std::string> images;
  for (int i = 0; i < 10; ++i) images.push_back(png_bytes(10 + 20 * i, channels, 6, 8));
  return images;
}
/// With two whose pixels cannot be decoded, one without a header, and one that is empty.
std::vector<std::string> with_damage(std::vector<std::string> images) {
  images[2] = with_damaged_pixels(images[2]);
  images[4] = "no image";
  images[7] = with_damaged_pixels(images[7]);
  return images;
}

const std::vector<ImageFilesOptions>& ways_of_reading() {
  static const std::vector<ImageFilesOptions> all{
      {.on_damaged = OnDamaged::skip},                           // kept in memory
      {.height = 4, .width = 4, .on_damaged = OnDamaged::skip},  // resized and kept
      {.channels = 1, .height = 4, .width = 4, .on_damaged = OnDamaged::skip, .memory_bytes = 0},
      {.mixed_sizes = true, .on_damaged = OnDamaged::skip, .memory_bytes = 0},
      {.on_damaged = OnDamaged::skip, .memory_bytes = 7 * 3 * 6 * 8 - 1}};  // does not quite fit
  return all;
}

void check_same(const DecodedImages& a, const DecodedImages& b) {
  CHECK(a.skipped() == b.skipped());
  CHECK(a.checksum() == b.checksum());
  CHECK(a.channels() == b.channels());
  CHECK(a.native_shape() == b.native_shape());
  CHECK(*a.image_selection() == *b.image_selection());
  REQUIRE(a.size() == b.size());
  const data::SampleShape shape = a.native_shape().value_or(data::SampleShape{1, 6, 8});
  for (int64_t i = 0; i < a.size(); ++i) {
    CHECK(a.caption(i) == b.caption(i));
    CHECK(a.sample(i, shape).to_vector<int64_t>() == b.sample(i, shape).to_vector<int64_t>());
  }
}

/// Calls check(layout, its folder).
void in_each_layout(const std::function<void(const Layout&, const std::string&)>& check) {
  const TemporaryFolder folder;
  for (const Layout& layout : layouts()) {
    CAPTURE(layout.name);
    check(layout, folder / layout.name);
  }
}

}  // namespace

TEST_CASE("image selection: with skip, every image is decoded once when the set is opened") {
  in_each_layout([](const Layout& layout, const std::string& folder) {
    layout.write(folder, with_damage(ten_images()));
    const int64_t samples_an_image = std::string(layout.name) == "list" ? 2 : 1;
    const Opened direct = layout.open(folder, {.on_damaged = OnDamaged::skip, .memory_bytes = 0});
    for (size_t k = 0; k < ways_of_reading().size(); ++k) {
      CAPTURE(k);
      const Opened set = layout.open(folder, ways_of_reading()[k]);
      CHECK(set->decodings() == 9 * samples_an_image);
      CHECK(set->in_memory() == (k < 2));
      CHECK(set->size() == 7 * samples_an_image);
      CHECK(set->skipped() == direct->skipped());
      CHECK(*set->image_selection() == *direct->image_selection());
    }
    CHECK(direct->image_selection()->damaged.size() == 2);
    check_same(*layout.open(folder, {.on_damaged = OnDamaged::skip}), *direct);
    // Neither do the samples depend on the damaged images that are there.
    std::vector<std::string> sound = ten_images();
    for (const size_t i : {2, 4, 7}) sound[i].clear();
    layout.write(folder, sound);
    const Opened clean = layout.open(folder, {});
    CHECK(clean->decodings() == 7 * samples_an_image);  // kept in memory
    CHECK(clean->checksum() == direct->checksum());
    CHECK(clean->image_selection()->checksum == direct->image_selection()->checksum);
    CHECK(layout.open(folder, {.memory_bytes = 0})->decodings() == 0);
  });
}

TEST_CASE("image selection: damaged images decide neither on the channels nor on the size, kept in memory or not") {
  const TemporaryFolder folder;
  for (const char* odd : {"color", "size", "both"}) {
    CAPTURE(odd);
    const bool is_color = std::string(odd) != "size", is_large = std::string(odd) != "color";
    std::vector<std::string> images = ten_images(1);
    images[0] = with_damaged_pixels(png_bytes(99, is_color ? 3 : 1, is_large ? 9 : 6, is_large ? 7 : 8));
    write_folder(folder / odd, images);
    const Opened kept = open_files(folder / odd, {.on_damaged = OnDamaged::skip});
    const Opened read = open_files(folder / odd, {.on_damaged = OnDamaged::skip, .memory_bytes = 0});
    CHECK(kept->in_memory());
    CHECK(kept->channels() == 1);
    CHECK(kept->native_shape() == data::SampleShape{1, 6, 8});
    check_same(*kept, *read);
    CHECK(contains(message_of<IoError>([&] { open_files(folder / odd, {}); }), is_large ? "has 8 x 6" : "cannot read"));
  }
}

TEST_CASE("image selection: an earlier selection of the same files spares all decoding") {
  in_each_layout([](const Layout& layout, const std::string& folder) {
    layout.write(folder, with_damage(ten_images()));
    for (ImageFilesOptions options : ways_of_reading()) {
      const Opened first = layout.open(folder, options);
      options.earlier = {data::ImageSelection{1, {}}, *first->image_selection()};  // the other one is of other data
      const Opened second = layout.open(folder, options);
      CHECK(second->decodings() == (second->in_memory() ? second->size() : 0));
      check_same(*first, *second);
    }
  });
}

TEST_CASE("image selection: an earlier selection does not hide that files have changed") {
  const std::vector<std::string> before = with_damage(ten_images());
  struct Change {
    const char* name;
    std::function<void(std::vector<std::string>&)> make;
    int decodings;
  };
  const Change changes[] = {
      {"none", [](auto&) {}, 0},
      {"a damaged image is repaired", [](auto& m) { m[2] = ten_images()[2]; }, 9},
      {"a damaged image is another sound one", [](auto& m) { m[2] = png_bytes(7, 3, 6, 8); }, 9},
      {"a damaged image is damaged otherwise", [](auto& m) { m[2] = with_damaged_pixels(png_bytes(7, 3, 6, 8)); }, 9},
      {"a damaged image is gone", [](auto& m) { m[2].clear(); }, 0},
      {"a sound image is damaged", [](auto& m) { m[0] = with_damaged_pixels(m[0]); }, 9},
      {"a sound image is another one", [](auto& m) { m[0] = png_bytes(7, 3, 6, 8); }, 9},
      {"a sound image has no header any more", [](auto& m) { m[0] = "no image"; }, 8},
      {"a sound image is gone", [](auto& m) { m[0].clear(); }, 8},
      {"an image without a header has one", [](auto& m) { m[4] = png_bytes(7, 3, 6, 8); }, 10},
      {"a damaged image is new", [](auto& m) { m.push_back(with_damaged_pixels(png_bytes(7, 3, 6, 8))); }, 10},
      {"a sound image is new", [](auto& m) { m.push_back(png_bytes(7, 3, 6, 8)); }, 10},
      {"two images have changed places", [](auto& m) { std::swap(m[0], m[1]); }, 9},
      {"a damaged image has a sound one's name", [](auto& m) { std::swap(m[0], m[2]); }, 9},
  };
  in_each_layout([&](const Layout& layout, const std::string& folder) {
    ImageFilesOptions options{.on_damaged = OnDamaged::skip, .memory_bytes = 0};
    layout.write(folder, before);
    const std::vector<data::ImageSelection> earlier{*layout.open(folder, options)->image_selection()};
    for (const Change& change : changes) {
      CAPTURE(change.name);
      std::vector<std::string> images = before;
      change.make(images);
      layout.write(folder, images);
      options.earlier.clear();
      const Opened anew = layout.open(folder, options);
      options.earlier = earlier;
      const Opened again = layout.open(folder, options);
      CHECK(again->decodings() == change.decodings * (std::string(layout.name) == "list" ? 2 : 1));
      check_same(*anew, *again);
    }
  });
}

TEST_CASE("image selection: the pixels are not looked at again, and files are told apart by their checksums") {
  const TemporaryFolder folder;
  const std::vector<std::string> before = with_damage(ten_images());
  write_folder(folder.path(), before);
  ImageFilesOptions options{.on_damaged = OnDamaged::skip, .memory_bytes = 0};
  const Opened first = open_files(folder.path(), options);
  options.earlier = {*first->image_selection()};
  std::vector<std::string> forged = before;
  forged[0] = with_checksum(with_damaged_pixels(before[0]), crc32c(before[0].data(), before[0].size()));
  forged[2] = with_checksum(ten_images()[2], crc32c(before[2].data(), before[2].size()));
  write_folder(folder.path(), forged);
  CHECK(open_files(folder.path(), options)->skipped() == first->skipped());
  options.earlier.clear();
  const Opened looked = open_files(folder.path(), options);
  CHECK(contains(looked->skipped().front(), "100.png"));
  CHECK(looked->image_selection()->damaged.size() == 2);
}

TEST_CASE("image selection: every format, a name that is not UTF-8, and a folder that has moved") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "a/train");
  Tensor photo({3, 20, 20}, DType::u8);
  for (int64_t k = 0; k < photo.numel(); ++k) photo.mutable_data<uint8_t>()[k] = static_cast<uint8_t>(k * k);
  const std::string jpeg = data::encode_jpeg(photo, 90, "a.jpg");
  write_bytes(folder / "a/train/0.jpg", jpeg);
  write_bytes(folder / "a/train/1.jpg", jpeg.substr(0, jpeg.size() - 40));
  write_bytes(folder / "a/train/caf\xe9.png", with_damaged_pixels(png_bytes(7, 3, 20, 20)));
  ImageFilesOptions options{.on_damaged = OnDamaged::skip, .memory_bytes = 0};
  const Opened first = open_files(folder / "a", options);
  REQUIRE(first->skipped().size() == 2);
  CHECK(contains(first->skipped()[0], "a/train/1.jpg: its data are damaged or cut off ("));
  CHECK(contains(first->skipped()[1], "caf\xe9.png: "));
  CHECK(first->image_selection()->damaged[0].name == "1.jpg");
  CHECK(first->image_selection()->damaged[1].name == "\"caf\xEF\xBF\xBD.png\"");
  fs::rename(folder / "a", folder / "b");
  options.earlier = {*first->image_selection()};
  const Opened moved = open_files(folder / "b", options);
  CHECK(moved->decodings() == 0);
  CHECK(contains(moved->skipped()[0], "b/train/1.jpg: its data are damaged or cut off ("));
  check_same(*moved, *open_files(folder / "b", {.on_damaged = OnDamaged::skip}));
}

TEST_CASE("image selection: where all images are damaged, the first one is named, also by an earlier selection") {
  in_each_layout([](const Layout& layout, const std::string& folder) {
    std::vector<std::string> images = ten_images();
    for (std::string& image : images) image = with_damaged_pixels(image);
    layout.write(folder, images);
    data::ImageSelection all{0, {}};
    for (size_t i = 0; i < images.size(); ++i)
      all.damaged.push_back({(std::string(layout.name) == "shard" ? "a.tar/" : "") + number(i) + ".png",
                             crc32c(images[i].data(), images[i].size()), "it is torn"});
    const std::string message = message_of<IoError>([&] { layout.open(folder, {.on_damaged = OnDamaged::skip}); });
    CHECK(contains(message, "the first one: cannot read "));
    CHECK(contains(message, "100.png"));
    CHECK(contains(message_of<IoError>([&] { layout.open(folder, {.on_damaged = OnDamaged::skip, .earlier = {all}}); }),
                   ": it is torn"));
  });
}

}  // namespace ditharos::test_image_selection
