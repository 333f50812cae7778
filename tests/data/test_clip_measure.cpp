#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <ditharos/data/synthetic/clip_measure.h>
#include <ditharos/data/synthetic/sky_fit.h>
#include <ditharos/tensor/random.h>
#include "tests/support/clip_objects.h"
#include "tests/support/data_files.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::ClipMeasurement;
using data::Gradient;
using data::Motion;
using data::MovingGarments;
using data::SampleShape;
using data::Scene;
using data::Sky;

namespace {

Tensor to_tensor(const data::Frame& frame) {
  Tensor bytes({1, 3, frame.height, frame.width}, DType::u8);
  uint8_t* to = bytes.mutable_data<uint8_t>();
  for (const double value : frame.planes) *to++ = static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
  return bytes;
}

/// Adds noise of this standard deviation to every byte.
void add_noise(Tensor& frames, double deviation, uint64_t seed) {
  const Tensor noise = Generator(seed).normal(frames.shape());
  uint8_t* byte = frames.mutable_data<uint8_t>();
  for (int64_t i = 0; i < frames.numel(); ++i) {
    const double value = byte[i] + deviation * double(noise.data<float>()[i]);
    byte[i] = static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
  }
}

/// How many of the clips' motions and skies are measured as they are.
struct Score {
  static constexpr int64_t stripes = 8;  // among the synthetic objects; the sky shows between them
  double motion = 0, sky = 0;
  int64_t missed_others = 0;  // motions of objects that are no stripes

  Score(const MovingGarments& clips, const SampleShape& shape, double noise) {
    for (int64_t i = 0; i < clips.size(); ++i) {
      const Scene scene = clips.scene(i);
      Tensor frames = clips.render(scene, shape);
      if (noise > 0) add_noise(frames, noise, static_cast<uint64_t>(i));
      const ClipMeasurement measured = data::measure_clip(frames);
      const bool seen = measured.motion == scene.lead.motion;
      motion += seen;
      missed_others += !seen && scene.lead.label != stripes;
      sky += measured.sky == scene.sky.sky;
    }
    motion /= static_cast<double>(clips.size());
    sky /= static_cast<double>(clips.size());
  }
};

/// Pearson's correlation of two images.
double correlation(const uint8_t* a, const uint8_t* b, int64_t n) {
  double mean_a = 0, mean_b = 0, aa = 0, ab = 0, bb = 0;
  for (int64_t i = 0; i < n; ++i) mean_a += a[i] / double(n), mean_b += b[i] / double(n);
  for (int64_t i = 0; i < n; ++i) {
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace

TEST_CASE("sky fit: the gradient comes back although an object covers half of the frame") {
  const std::vector<uint8_t> white(100, 255);
  for (int k = 0; k < data::sky_count; ++k) {
    for (const double left : {0.0, 4.5, 9.0}) {
      const data::SkyView view{.sky = static_cast<Sky>(k), .seed = 5};
      CAPTURE(std::string(name_of(view.sky)));
      CAPTURE(left);
      data::Frame frame(32, 32);
      paint_sky(frame, view, 0);
      const data::Rgb color = data::tint((k + 3) % data::tint_count).color;
      draw_sprite(frame, data::cut_out(white.data(), 10, 10, color), {left, left, 23, 23});
      const Gradient truth = gradient_of(view.sky, 0);
      const Gradient fitted = data::fit_sky(to_tensor(frame).data<uint8_t>(), 32, 32);
      for (int c = 0; c < 3; ++c) {
        CHECK(std::abs(fitted.top[c] - truth.top[c]) < 12);  // clouds are a part of what is fitted
        CHECK(std::abs(fitted.bottom[c] - truth.bottom[c]) < 12);
      }
    }
  }
  const uint8_t one_pixel[3] = {10, 20, 30};
  CHECK(data::fit_sky(one_pixel, 1, 1).bottom[2] == doctest::Approx(30));
}

TEST_CASE("clip measurements: directions and skies of held-out clips are recognised in every shape") {
  for (const SampleShape& shape : {SampleShape{8, 32, 32}, SampleShape{16, 32, 48}, SampleShape{12, 40, 32}}) {
    CAPTURE(to_text(shape));
    const Score score(made_clips({.count = 60, .split = data::SceneSplit::held_out, .second_object = 0}), shape, 0);
    CHECK_EQ(score.missed_others, 0);
    CHECK(score.motion > 0.92);  // stripes in a colour like the sky's, two thirds of the frame wide, may be missed
    CHECK(score.sky > 0.97);
  }
}

TEST_CASE("clip measurements: every motion is recognised, with noise and with a second object") {
  const MovingGarments clips = made_clips({.count = 120, .seed = 8});
  const Score clean(clips, {8, 32, 32}, 0), noisy(clips, {8, 32, 32}, 6);
  CHECK(clean.motion > 0.95);
  CHECK(clean.sky > 0.97);
  CHECK(noisy.motion > 0.93);
  CHECK(noisy.sky > 0.97);
}

TEST_CASE("clip measurements: the track is where the object is") {
  const MovingGarments clips = made_clips({.count = 40, .seed = 3, .second_object = 0});
  const SampleShape shape{8, 32, 48};
  for (int64_t i = 0; i < clips.size(); ++i) {
    const Scene scene = clips.scene(i);
    CAPTURE(scene.caption);
    if (scene.lead.label >= 8) continue;  // stripes and checks hang together too little to be one object
    const data::Sprite sprite = data::cut_out(clips.images().image(scene.lead.image), 28, 28, {255, 255, 255});
    const ClipMeasurement measured = data::measure_clip(clips.render(scene, shape));
    CHECK(measured.sightings.size() == 8);
    for (const data::Sighting& sighting : measured.sightings) {
      const data::Box box = place(scene.lead, sprite, static_cast<double>(sighting.frame) / 7, shape);
      CHECK(std::abs(sighting.x - box.left - box.width / 2) < 2.5);  // a triangle's middle is not its box's
      CHECK(std::abs(sighting.y - box.top - box.height / 2) < 3.5);
    }
  }
}

TEST_CASE("clip measurements: crops look like the image of the object") {
  const MovingGarments clips = made_clips({.count = 40, .seed = 6, .second_object = 0});
  double sum = 0;
  for (int64_t i = 0; i < clips.size(); ++i) {
    const Scene scene = clips.scene(i);
    const uint8_t* image = clips.images().image(scene.lead.image);
    const data::Sprite sprite = data::cut_out(image, 28, 28, {255, 255, 255});
    const double scale = 28.0 / static_cast<double>(std::max(sprite.height, sprite.width));
    const double width = scale * static_cast<double>(sprite.width), height = scale * static_cast<double>(sprite.height);
    data::Frame enlarged(28, 28);  // the object as large as a crop shows it
    draw_sprite(enlarged, sprite, {(28 - width) / 2, (28 - height) / 2, width, height});
    const ClipMeasurement measured = data::measure_clip(clips.render(scene, {2, 40, 40}));
    REQUIRE(measured.crops.size(0) == 2);
    sum += correlation(measured.crops.data<uint8_t>(), to_tensor(enlarged).data<uint8_t>(), 28 * 28);
  }
  CHECK(sum / 40 > 0.85);
}

TEST_CASE("clip measurements: an empty sky, a still object and one frame give no motion") {
  const data::SkyView view{.sky = Sky::dusk};
  data::Frame frame(32, 32);
  paint_sky(frame, view, 0);
  const ClipMeasurement empty = data::measure_clip(to_tensor(frame));
  CHECK(empty.sky == Sky::dusk);
  CHECK(empty.sightings.empty());
  CHECK_FALSE(empty.motion);
  CHECK(empty.crops.shape() == Shape{0, 1, 28, 28});

  const MovingGarments clips = made_clips({.count = 3, .second_object = 0});
  const ClipMeasurement one = data::measure_clip(clips.sample(0, {1, 32, 32}));
  CHECK(one.sightings.size() == 1);
  CHECK_FALSE(one.motion);
  Scene still = clips.scene(0);
  still.lead.motion = Motion::left;
  still.lead.last_x = still.lead.first_x, still.lead.last_y = still.lead.first_y;
  still.lead.last_size = still.lead.first_size;
  const ClipMeasurement nothing_moves = data::measure_clip(clips.render(still, {8, 32, 32}));
  CHECK(nothing_moves.sightings.size() == 8);
  CHECK_FALSE(nothing_moves.motion);
  CHECK(std::abs(nothing_moves.dx) < 0.5);
}

TEST_CASE("clip measurements: anything but frames of bytes is refused") {
  CHECK_THROWS_AS(data::measure_clip(Tensor({2, 3, 4, 4})), DTypeError);
  CHECK(contains(message_of<ShapeError>([] { data::measure_clip(Tensor({2, 1, 4, 4}, DType::u8)); }),
                 "takes frames [F, 3, H, W], got [2, 1, 4, 4]"));
  CHECK_THROWS_AS(data::measure_clip(Tensor({0, 3, 4, 4}, DType::u8)), ShapeError);
  CHECK_THROWS_AS(data::measure_clip(Tensor({3, 4, 4}, DType::u8)), ShapeError);
}
