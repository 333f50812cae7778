#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/data/image/font.h>
#include <ditharos/data/image/image_grid.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/view.h>
#include "tests/support/data_files.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::GridOptions;

namespace {

int pixel(const Tensor& grid, int64_t y, int64_t x, int64_t c = 0) {
  return grid.data<uint8_t>()[(c * grid.size(1) + y) * grid.size(2) + x];
}
/// Images of one value each. [N, C, 2, 3]
Tensor flat_images(const std::vector<float>& values, int64_t channels = 1) {
  Tensor images({static_cast<int64_t>(values.size()), channels, 2, 3});
  float* p = images.mutable_data<float>();
  for (const float value : values) p = std::fill_n(p, channels * 6, value);
  return images;
}
int count_ink(const Tensor& grid) {
  int ink = 0;
  for (int64_t i = 0; i < grid.numel(); ++i) ink += grid.data<uint8_t>()[i] == 0;
  return ink;
}

}  // namespace

TEST_CASE("grid: bytes to [-1, 1] and back give the same bytes") {
  Tensor bytes({256}, DType::u8);
  for (int i = 0; i < 256; ++i) bytes.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(i);
  const Tensor range = data::to_unit_range(bytes);
  CHECK(range.data<float>()[0] == -1.0f);
  CHECK(range.data<float>()[255] == 1.0f);
  CHECK(data::to_bytes(range).to_vector<int64_t>() == bytes.to_vector<int64_t>());
  const Tensor outside = from_vector<float>({-7, 7, INFINITY, -INFINITY, 0});
  CHECK(data::to_bytes(outside).to_vector<int64_t>() == std::vector<int64_t>{0, 255, 255, 0, 128});
}

TEST_CASE("grid: images are in rows with white around them") {
  const Tensor grid = data::make_grid(flat_images({-1, 0, 1, -1, 5}), {.columns = 2, .padding = 1, .scale = 1});
  CHECK(grid.shape() == Shape{1, 3 * 3 + 1, 2 * 4 + 1});
  const auto expected = [](int64_t y, int64_t x) {
    const int64_t row = (y - 1) / 3, column = (x - 1) / 4;
    const bool white = y == 0 || x == 0 || (y - 1) % 3 == 2 || (x - 1) % 4 == 3;
    constexpr int values[] = {0, 128, 255, 0, 255, 255};
    return white ? 255 : values[row * 2 + column];
  };
  for (int64_t y = 0; y < grid.size(1); ++y) {
    for (int64_t x = 0; x < grid.size(2); ++x) CHECK(pixel(grid, y, x) == expected(y, x));
  }
}

TEST_CASE("grid: scale repeats pixels, columns default to a square, colours stay apart") {
  const Tensor small = data::make_grid(flat_images({-1, 0, 1, -1, 0.5}, 3), {.padding = 1});
  CHECK(small.shape() == Shape{3, 2 * 3 + 1, 3 * 4 + 1});
  const Tensor large = data::make_grid(flat_images({-1, 0, 1, -1, 0.5}, 3), {.padding = 1, .scale = 3});
  CHECK(large.shape() == Shape{3, 3 * small.size(1), 3 * small.size(2)});
  for (int64_t y = 0; y < large.size(1); ++y) {
    for (int64_t x = 0; x < large.size(2); ++x) CHECK(pixel(large, y, x, 1) == pixel(small, y / 3, x / 3, 1));
  }
  Tensor color = zeros({1, 3, 1, 1});
  color.mutable_data<float>()[0] = 1;
  color.mutable_data<float>()[1] = -1;
  const Tensor one = data::make_grid(color, {.padding = 0});
  CHECK(one.to_vector<int64_t>() == std::vector<int64_t>{255, 0, 128});
  // More columns than images: no empty space.
  CHECK(data::make_grid(flat_images({0, 0}), {.columns = 9, .padding = 0}).shape() == Shape{1, 2, 6});
}

TEST_CASE("grid: any strides") {
  Tensor images({4, 1, 5, 3});
  for (int64_t i = 0; i < 60; ++i) images.mutable_data<float>()[i] = static_cast<float>(i) / 60;
  const Tensor turned = views::permute(images, {0, 1, 3, 2}), every_second = views::slice(images, 0, 0, 4, 2);
  CHECK(data::make_grid(turned).shape() == Shape{1, 2 * 5 + 2, 2 * 7 + 2});
  CHECK(pixel(data::make_grid(turned, {.padding = 0}), 0, 1) == pixel(data::make_grid(images, {.padding = 0}), 1, 0));
  CHECK(pixel(data::make_grid(every_second, {.columns = 1, .padding = 0}), 5, 0) ==
        pixel(data::make_grid(images, {.columns = 1, .padding = 0}), 10, 0));
}

TEST_CASE("grid: labels beside and above, also where they are larger than the images") {
  const Tensor white = flat_images({1, 1, 1, 1});
  int ink = 0;  // of the text "gH!~", pixel by pixel
  for (const char letter : std::string("gH!~")) {
    for (int64_t row = 0; row < data::text_height; ++row) {
      for (int64_t column = 0; column < data::glyph_width; ++column) ink += data::glyph_pixel(letter, row, column);
    }
  }
  REQUIRE(ink > 20);
  for (const auto place : {GridOptions::LabelPlace::left, GridOptions::LabelPlace::above}) {
    for (const int64_t scale : {1, 2, 5}) {
      GridOptions options{
          .columns = 2, .padding = 0, .scale = scale, .row_labels = {"gH!~", "gH!~"}, .label_place = place};
      const int64_t text_scale = std::max<int64_t>(1, scale / 2);
      CHECK(count_ink(data::make_grid(white, options)) == 2 * ink * text_scale * text_scale);
      options.row_labels = {"", "gH!~"};
      CHECK(count_ink(data::make_grid(white, options)) == ink * text_scale * text_scale);
    }
  }
  CHECK(count_ink(data::make_grid(white)) == 0);
}

TEST_CASE("grid: letters differ from each other, and what is not ASCII is a question mark") {
  const auto shape_of = [](char letter) {
    std::string bits;
    for (int64_t row = 0; row < data::text_height; ++row) {
      for (int64_t column = 0; column < data::glyph_width; ++column)
        bits += data::glyph_pixel(letter, row, column) ? '#' : '.';
    }
    return bits;
  };
  for (char a = ' '; a <= '~'; ++a) {
    for (char b = ' '; b < a; ++b) CHECK(shape_of(a) != shape_of(b));
  }
  CHECK(shape_of('\xe4') == shape_of('?'));
  CHECK(shape_of('\n') == shape_of('?'));
  CHECK(data::text_width("") == 0);
  CHECK(data::text_width("ab") == 11);
}

TEST_CASE("grid: what cannot be drawn is refused") {
  const Tensor good = flat_images({0, 0});
  CHECK_THROWS_AS(data::make_grid(Tensor()), Error);
  CHECK_THROWS_AS(data::make_grid(zeros({2, 1, 2, 2}, DType::f64)), DTypeError);
  CHECK_THROWS_AS(data::make_grid(zeros({1, 2, 2})), ShapeError);
  CHECK_THROWS_AS(data::make_grid(zeros({1, 2, 2, 2})), ShapeError);
  CHECK_THROWS_AS(data::make_grid(zeros({0, 1, 2, 2})), ShapeError);
  CHECK_THROWS_AS(data::make_grid(good, {.columns = -1}), ConfigError);
  CHECK_THROWS_AS(data::make_grid(good, {.padding = -1}), ConfigError);
  CHECK_THROWS_AS(data::make_grid(good, {.scale = 0}), ConfigError);
  CHECK_THROWS_AS(data::make_grid(good, {.columns = 2, .row_labels = {"a", "b"}}), ConfigError);
  CHECK_THROWS_AS(data::make_grid(zeros({2, 1, 64, 64}), {.scale = 1000}), ShapeError);
  Tensor broken = flat_images({0, 0});
  broken.mutable_data<float>()[7] = std::numeric_limits<float>::quiet_NaN();
  CHECK(contains(message_of<Error>([&] { data::make_grid(broken); }), "element 7"));
}

TEST_CASE("grid: saved as the PNG that was made") {
  TemporaryFolder folder;
  const Tensor images = flat_images({-1, -0.5, 0, 1}, 3);
  const GridOptions options{.scale = 2, .row_labels = {"one", "two"}};
  data::save_grid(folder / "a.png", images, options);
  CHECK(data::read_png(folder / "a.png", 3).to_vector<int64_t>() ==
        data::make_grid(images, options).to_vector<int64_t>());
  CHECK(contains(message_of<IoError>([&] { data::save_grid("/dev/full", images); }), "/dev/full"));
}
