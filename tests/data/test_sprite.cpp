#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <ditharos/data/synthetic/sky.h>
#include <ditharos/data/synthetic/sprite.h>

using namespace ditharos;
using data::Box;
using data::Frame;
using data::Sprite;

namespace {

/// Sum of one plane of a frame, and where its light has its middle.
struct Light {
  double sum = 0, x = 0, y = 0;

  explicit Light(const Frame& frame) {
    for (int64_t row = 0; row < frame.height; ++row) {
      for (int64_t column = 0; column < frame.width; ++column) {
        const double value = frame.planes[static_cast<size_t>(row * frame.width + column)];
        sum += value;
        x += value * (static_cast<double>(column) + 0.5);
        y += value * (static_cast<double>(row) + 0.5);
      }
    }
    x /= sum;
    y /= sum;
  }
};

Sprite white_square(int64_t side) {
  const std::vector<uint8_t> gray(static_cast<size_t>(side * side), 255);
  return data::cut_out(gray.data(), side, side, {255, 255, 255});
}

}  // namespace

TEST_CASE("sprite: the background is dark and connected with the border; dark parts inside stay opaque") {
  // A ring with a black middle; noise of 5 in a corner.
  const std::vector<uint8_t> gray = {5, 0,   0,   0,   0,    //
                                     0, 200, 200, 200, 0,    //
                                     0, 200, 0,   200, 100,  //
                                     0, 200, 200, 200, 0,    //
                                     0, 0,   0,   0,   0};
  const Sprite sprite = data::cut_out(gray.data(), 5, 5, {200, 100, 0});
  REQUIRE(sprite.height == 3);
  REQUIRE(sprite.width == 4);
  const auto pixel = [&](int64_t y, int64_t x, int c) {
    return sprite.pixels[static_cast<size_t>((y * sprite.width + x) * 4 + c)];
  };
  CHECK(pixel(1, 1, 3) == 1);  // the middle is opaque
  CHECK(pixel(1, 1, 0) == doctest::Approx(200 * data::darkest_shade));
  CHECK(pixel(0, 0, 3) == 1);
  CHECK(pixel(0, 0, 0) == doctest::Approx(200));  // the brightest shade is the tint
  CHECK(pixel(0, 0, 1) == doctest::Approx(100));
  CHECK(pixel(0, 0, 2) == 0);
  CHECK(pixel(1, 3, 3) == doctest::Approx(0.5));  // half covered: half as bright as its neighbour
  CHECK(pixel(1, 3, 0) == doctest::Approx(100));  // premultiplied
  CHECK(pixel(0, 3, 3) == 0);                     // ground
  const std::vector<uint8_t> black(9, 3);
  CHECK(data::cut_out(black.data(), 3, 3, {1, 1, 1}).pixels.empty());
}

TEST_CASE("sprite: drawing keeps the total brightness and its centre at any position between the pixels") {
  const Sprite square = white_square(28);
  for (const double left : {3.0, 3.25, 3.5, 4.9}) {
    for (const double size : {3.0, 7.3, 12.0, 19.5}) {
      CAPTURE(left);
      CAPTURE(size);
      Frame frame(40, 40);
      draw_sprite(frame, square, {left, 6.7, size, size / 2});
      const Light light(frame);
      CHECK(light.sum == doctest::Approx(255 * size * size / 2));
      CHECK(std::abs(light.x - (left + size / 2)) < 0.05);  // a pixel's light counts at the pixel's middle
      CHECK(std::abs(light.y - (6.7 + size / 4)) < 0.05);
    }
  }
}

TEST_CASE("sprite: an enlarged one is smooth, a part outside of the frame is cut off") {
  const std::vector<uint8_t> gray = {255, 50};
  const Sprite two = data::cut_out(gray.data(), 1, 2, {255, 255, 255});
  Frame frame(1, 16);
  draw_sprite(frame, two, {0, -8, 16, 16});
  for (size_t x = 5; x < 12; ++x) CHECK(frame.planes[x] < frame.planes[x - 1]);  // linear between the two middles
  CHECK(frame.planes[7] - frame.planes[8] == doctest::Approx(frame.planes[5] - frame.planes[6]));

  Frame small(4, 4);
  draw_sprite(small, white_square(8), {-4, -4, 6, 6});
  CHECK(Light(small).sum == doctest::Approx(255 * 4));
  const Frame before = small;
  draw_sprite(small, white_square(8), {50, 50, 6, 6});
  draw_sprite(small, white_square(8), {0, 0, 0, 6});
  CHECK(small.planes == before.planes);
}

TEST_CASE("sky: six skies are distinguishable, change in time, and get darker or lighter") {
  for (int k = 0; k < data::sky_count; ++k) {
    const auto sky = static_cast<data::Sky>(k);
    CAPTURE(name_of(sky));
    for (const double hour : {0.1, 0.3, 0.9}) {
      data::Gradient seen = gradient_of(sky, hour);
      for (int c = 0; c < 3; ++c) seen.top[c] += 8, seen.bottom[c] -= 8;
      CHECK(nearest_sky(seen) == sky);
    }
    const data::SkyView view{.sky = sky, .shift = {2, 2, 2}, .seed = 9};
    Frame first(32, 48), again(32, 48), last(32, 48);
    paint_sky(first, view, 0);
    paint_sky(again, view, 0);
    paint_sky(last, view, 1);
    CHECK(first.planes == again.planes);
    CHECK(std::abs(Light(first).sum - Light(last).sum) > 32 * 48 * 1);
    // Clouds and stars are faint: most pixels are within 12 of the gradient.
    const data::Gradient colors = gradient_of(sky, 0);
    int64_t near = 0;
    for (int64_t i = 0; i < 32 * 48; ++i) {
      const int64_t row = i / 48;
      const double height = (static_cast<double>(row) + 0.5) / 32;
      const double plain = data::mix(colors.top, colors.bottom, height)[0] + 2;
      near += std::abs(first.planes[static_cast<size_t>(i)] - plain) < 12;
    }
    CHECK(near > 32 * 48 * 9 / 10);
  }
}
