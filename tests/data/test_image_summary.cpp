// What a set of images holds, in figures.
#include <doctest/doctest.h>

#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/datasets/contact_grid.h>
#include <ditharos/data/datasets/image_summary.h>
#include <ditharos/data/datasets/webdataset/web_dataset.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include "tests/data/tar_bytes.h"
#include "tests/support/data_files.h"
#include "tests/support/numbered_samples.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
namespace fs = std::filesystem;

namespace {

/// A PNG of one gray value.
void write_image(const std::string& path, int64_t height, int64_t width, int value) {
  fs::create_directories(fs::path(path).parent_path());
  Tensor image({1, height, width}, DType::u8);
  kernels::fill(image, value);
  data::write_png(path, image);
}
const data::ImageFilesOptions any_size{.mixed_sizes = true}, small{.height = 8, .width = 8};

}  // namespace

TEST_CASE("summary: sizes, classes and what the crop leaves out") {
  const TemporaryFolder folder;
  // Fewer than ten images a class: none is held out.
  for (int i = 0; i < 5; ++i) write_image(folder / ("a/" + std::to_string(i) + ".png"), 8, 16, i);
  for (int i = 0; i < 3; ++i) write_image(folder / ("b/" + std::to_string(i) + ".png"), 32, 16, 10 + i);
  write_image(folder / "b/large.png", 64, 64, 20);
  write_image(folder / "b/low.png", 4, 8, 21);

  const data::ImageFiles mixed(folder.path(), data::Split::train, any_size);
  const data::ImageSummary s = data::summarize_images(mixed);
  CHECK(s.samples == 10);
  CHECK(s.images == 10);
  CHECK(s.channels == 1);
  CHECK(s.class_counts == std::vector<int64_t>{5, 5});
  REQUIRE(s.sizes.size() == 4);
  CHECK(s.sizes[0].height == 8);
  CHECK(s.sizes[0].width == 16);
  CHECK(s.sizes[0].count == 5);
  CHECK(s.sizes[1].count == 3);
  CHECK(s.sizes[2].height == 64);  // of equal frequency the larger first
  CHECK(s.smallest.height == 4);
  CHECK(s.median.height == 8);
  CHECK(s.median.width == 16);
  CHECK(s.largest.height == 64);
  CHECK(s.captions == 0);
  CHECK(s.duplicates.empty());
  CHECK(s.lost == 0);

  const data::ImageFiles cropped(folder.path(), data::Split::train, small);
  const data::ImageSummary c = data::summarize_images(cropped);
  CHECK(c.sizes.size() == 4);  // of the files
  CHECK(c.lost == doctest::Approx((5 * .5 + 3 * .5 + 0 + .5) / 10));
  CHECK(c.enlarged == 1);
  CHECK(data::summarize_images(cropped, data::Fit::stretch).lost == 0);
}

TEST_CASE("summary: equal images are found by their bytes, in whatever classes") {
  const TemporaryFolder folder;
  for (const char* name : {"a/1.png", "a/3.png", "b/5.png"}) write_image(folder / name, 4, 4, 7);
  for (const char* name : {"a/2.png", "a/4.png"}) write_image(folder / name, 4, 4, 8);
  write_image(folder / "b/6.png", 4, 4, 9);
  const data::ImageFiles files(folder.path(), data::Split::train);
  const data::ImageSummary s = data::summarize_images(files);
  CHECK(s.duplicates == std::vector<std::vector<int64_t>>{{0, 2, 4}, {1, 3}});
  CHECK(s.surplus == 3);
  CHECK(s.conflicts == 1);
  CHECK(data::sample_name(files, 4) == "b/5.png");

  // Pixels that are in no file.
  const auto numbered = numbered_images(6);
  const data::Dataset twice = numbered->subset({0, 1, 2, 1, 3, 1});
  const data::ImageSummary t = data::summarize_images(twice);
  CHECK(t.duplicates == std::vector<std::vector<int64_t>>{{1, 3, 5}});
  CHECK(t.conflicts == 0);
  CHECK(data::sample_name(twice, 3) == "image 3");
}

TEST_CASE("summary: captions, of which one image may have several") {
  const TemporaryFolder folder;
  for (int i = 0; i < 4; ++i) write_image(folder / (std::to_string(i) + ".png"), 4, 4, i);
  write_bytes(folder / "captions.txt",
              "0.png\ta cat\n0.png\ta small cat\n1.png\t\xc3\xa4 dog\n2.png\ta house on a hill\n");
  const data::ImageFiles files(folder.path(), data::Split::train);
  const data::ImageSummary s = data::summarize_images(files);
  CHECK(s.samples == 4);
  CHECK(s.images == 3);
  CHECK(s.captions == 4);
  CHECK(s.missing_captions == 0);
  CHECK(s.shortest_caption == 5);  // characters, not bytes
  CHECK(s.longest_caption == 17);
  CHECK(s.duplicates.empty());
}

TEST_CASE("contact grid: rows of classes with their names, captions beside images, or images alone") {
  const TemporaryFolder folder;
  const auto height_of = [&](const data::DataSource& source) {
    const std::string path = folder / "grid.png";
    data::save_contact_grid(path, source);
    return data::read_png(path, 3).size(1);
  };
  const int64_t image = 8 * (64 / 8) + 2 * 2 * (64 / 8);  // at scale 8, with padding at both sides
  const auto labelled = numbered_images(20, 3, 8, 8);
  CHECK(height_of(*labelled) >= 12 * (image - 2 * 2 * 8));
  CHECK(height_of(*labelled) <= 12 * image + 16);
  CHECK(height_of(NumberedClips(3)) >= 3 * 64);  // captions
  CHECK(height_of(NumberedClips(100)) >= 16 * 64);
  CHECK(height_of(NumberedClips(100)) < 17 * 80);
}

TEST_CASE("summary: members of shards have the sizes and bytes of their headers, and none is decoded") {
  const TemporaryFolder folder;
  const auto png = [](int64_t height, int64_t width, int value) {
    return data::encode_png(full({1, height, width}, value, DType::u8), "a.png");
  };
  fs::create_directories(folder / "set");
  write_bytes(folder / "set/a.tar",
              tar_of({{"0.png", png(8, 16, 1)}, {"0.cls", "0"}, {"1.png", png(8, 16, 2)}, {"1.cls", "1"}}));
  write_bytes(folder / "set/b.tar",
              tar_of({{"0.png", png(32, 16, 3)}, {"0.cls", "0"}, {"1.png", png(8, 16, 1)}, {"1.cls", "1"}}));
  data::ImageFilesOptions options = small;
  options.memory_bytes = 0;
  const data::WebDataset shards(folder / "set", data::Split::train, options);
  const data::ImageSummary s = data::summarize_images(shards);
  CHECK(shards.decodings() == 0);
  CHECK(s.images == 4);
  REQUIRE(s.sizes.size() == 2);
  CHECK(s.sizes[0].width == 16);
  CHECK(s.sizes[0].count == 3);
  CHECK(s.largest.height == 32);
  CHECK(s.lost == doctest::Approx(.5));
  CHECK(s.duplicates == std::vector<std::vector<int64_t>>{{0, 3}});
  CHECK(s.conflicts == 1);
  CHECK(data::sample_name(shards, 3) == "b.tar/1.png");
  CHECK(shards.encoded(2).height == 32);
  CHECK_THROWS_AS(static_cast<void>(shards.encoded(4)), Error);
}
