#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <ditharos/tensor/io/crc32c.h>
#include <ditharos/tensor/parallel.h>
#include "tests/support/clip_objects.h"
#include "tests/support/data_files.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::Box;
using data::Motion;
using data::MovingGarments;
using data::MovingObject;
using data::SampleShape;
using data::Scene;
using data::SceneSplit;

namespace {

const std::array<SampleShape, 5> shapes = {{{8, 32, 32}, {16, 32, 48}, {12, 40, 32}, {1, 32, 32}, {3, 64, 20}}};

uint32_t checksum(const Tensor& frames) { return crc32c(frames.data<uint8_t>(), static_cast<size_t>(frames.numel())); }

/// A scene with one square of 10 x 10 pixels over an even sky.
struct Square {
  data::Sprite sprite;
  MovingObject object;

  Square() {
    const std::vector<uint8_t> gray(100, 255);
    sprite = data::cut_out(gray.data(), 10, 10, {255, 255, 255});
  }
  Box at(double time, const SampleShape& shape = {8, 32, 32}) const { return data::place(object, sprite, time, shape); }
};

}  // namespace

TEST_CASE("moving garments: clips have the requested shape and the same scene in every shape") {
  const MovingGarments clips = made_clips({.count = 20});
  for (const SampleShape& shape : shapes) {
    CAPTURE(to_text(shape));
    for (const int64_t i : {0, 7, 19}) {
      const Tensor clip = clips.sample(i, shape);
      CHECK(clip.shape() == Shape{shape.frames, 3, shape.height, shape.width});
      CHECK(clip.dtype() == DType::u8);
      CHECK(clips.caption(i) == clips.scene(i).caption);
    }
  }
  CHECK(to_text(SampleShape{16, 32, 48}) == "16x32x48");
}

TEST_CASE("moving garments: a clip depends on its number and shape alone, in any order and on any thread") {
  const MovingGarments clips = made_clips({.count = 40, .seed = 5}), again = made_clips({.count = 1000, .seed = 5});
  const SampleShape shape{4, 32, 24};
  std::vector<uint32_t> forwards(40), together(40);
  for (int64_t i = 0; i < 40; ++i) forwards[static_cast<size_t>(i)] = checksum(clips.sample(i, shape));
  parallel_for(40, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = end; i-- > begin;) together[static_cast<size_t>(i)] = checksum(again.sample(i, shape));
  });
  CHECK(forwards == together);
  CHECK(std::set<uint32_t>(forwards.begin(), forwards.end()).size() == 40);
  const MovingGarments other_seed = made_clips({.count = 40, .seed = 6});
  CHECK(checksum(other_seed.sample(0, shape)) != forwards[0]);
}

TEST_CASE("moving garments: a clip keeps its bytes, so that stored models keep their data") {
  const MovingGarments clips = made_clips();
  CHECK(clips.caption(0) == "a t-shirt bounces against a violet sky while a small coat climbs");
  CHECK(checksum(clips.sample(0, {8, 32, 32})) == 1341284348u);
  CHECK(checksum(made_clips({.second_object = 0}).sample(0, {8, 32, 32})) == 598014821u);
}

TEST_CASE("moving garments: held-out pairs never occur in training, and nothing else leads the held-out clips") {
  std::set<std::pair<int64_t, Motion>> trained, held_out;
  const MovingGarments training = made_clips({.count = 4000}),
                       testing = made_clips({.count = 1000, .split = SceneSplit::held_out});
  int64_t companions = 0;
  for (int64_t i = 0; i < training.size(); ++i) {
    const Scene scene = training.scene(i);
    trained.insert({scene.lead.label, scene.lead.motion});
    if (!scene.companion) continue;
    ++companions;
    trained.insert({scene.companion->label, scene.companion->motion});
    CHECK(scene.companion->label != scene.lead.label);
  }
  CHECK(companions > 360);  // 12 % of 4000 are 480
  CHECK(companions < 600);
  for (int64_t i = 0; i < testing.size(); ++i) {
    const Scene scene = testing.scene(i);
    held_out.insert({scene.lead.label, scene.lead.motion});
  }
  for (const auto& [label, motion] : trained) CHECK_FALSE(data::is_held_out(label, motion));
  for (const auto& [label, motion] : held_out) CHECK(data::is_held_out(label, motion));
  CHECK(held_out.size() == 6);      // 15 % of the 40 pairs of a class and a direction
  CHECK(trained.size() == 70 - 6);  // every other pair is seen
}

TEST_CASE("moving garments: every direction keeps most classes, every class most directions") {
  for (int motion = 0; motion < data::motion_count; ++motion) {
    int held_out = 0;
    for (int64_t label = 0; label < 10; ++label) held_out += data::is_held_out(label, static_cast<Motion>(motion));
    CHECK(held_out <= (motion < data::direction_count ? 2 : 0));
    CHECK(held_out >= (motion < data::direction_count ? 1 : 0));
  }
  for (int64_t label = 0; label < 10; ++label) {
    int held_out = 0;
    for (int motion = 0; motion < data::motion_count; ++motion) {
      held_out += data::is_held_out(label, static_cast<Motion>(motion));
    }
    CHECK(held_out <= 1);
  }
  CHECK_FALSE(data::is_held_out(7, Motion::left));  // "a sneaker drifts left"
  CHECK_FALSE(data::is_held_out(9, Motion::down));  // "a boot falls"
}

TEST_CASE("moving garments: objects go where the scene says, measurably, and never leave the frame") {
  const MovingGarments clips = made_clips({.count = 600, .seed = 2, .second_object = 0.3});
  Square square;
  for (int64_t i = 0; i < clips.size(); ++i) {
    const Scene scene = clips.scene(i);
    for (const MovingObject* object : {&scene.lead, scene.companion ? &*scene.companion : &scene.lead}) {
      square.object = *object;
      for (const SampleShape& shape : shapes) {
        for (const double time : {0.0, 0.2, 0.5, 0.77, 1.0}) {
          const Box box = square.at(time, shape);
          CHECK(box.left > -1e-9);
          CHECK(box.top > -1e-9);
          CHECK(box.left + box.width < static_cast<double>(shape.width) + 1e-9);
          CHECK(box.top + box.height < static_cast<double>(shape.height) + 1e-9);
        }
      }
      const Box first = square.at(0), middle = square.at(0.5), last = square.at(1);
      const double dx = last.left - first.left, dy = last.top - first.top, growth = last.width / first.width;
      switch (object->motion) {
        case Motion::left: CHECK(dx < -3), CHECK(dy == 0); break;
        case Motion::right: CHECK(dx > 3), CHECK(dy == 0); break;
        case Motion::up: CHECK(dy < -3), CHECK(dx == 0); break;
        case Motion::down: CHECK(dy > 3), CHECK(dx == 0); break;
        case Motion::bounce:
          CHECK(std::abs(dy) < 1e-9);
          CHECK(square.at(0.5 / object->hops).top < first.top - 5);
          break;
        case Motion::grow: CHECK(growth > 1.3), CHECK(middle.width > first.width); break;
        case Motion::shrink: CHECK(growth < 1 / 1.3), CHECK(middle.width < first.width); break;
      }
    }
  }
}

TEST_CASE("moving garments: one frame shows the middle of the clip") {
  const MovingGarments clips = made_clips({.count = 3});
  const Tensor one = clips.sample(0, {1, 32, 32}), three = clips.sample(0, {3, 32, 32});
  CHECK(std::equal(one.data<uint8_t>(), one.data<uint8_t>() + one.numel(), three.data<uint8_t>() + one.numel()));
}

TEST_CASE("moving garments: bad options and indices are refused with a clear message") {
  const auto config_error = [](const data::MovingGarmentsOptions& options) {
    return message_of<ConfigError>([&] { made_clips(options); });
  };
  CHECK(contains(config_error({.count = -1}), "count must not be negative, got -1"));
  CHECK(contains(config_error({.second_object = 1.5}), "second_object is a probability, got 1.5"));
  const MovingGarments clips = made_clips({.count = 3});
  CHECK(contains(message_of<Error>([&] { clips.sample(3, {1, 8, 8}); }), "clip 3 of 3"));
  CHECK(contains(message_of<Error>([&] { clips.caption(-1); }), "clip -1 of 3"));
  CHECK(contains(message_of<ShapeError>([&] { clips.sample(0, {0, 8, 8}); }), "at least 1, got 0x8x8"));
  CHECK(contains(message_of<ShapeError>(
                     [] { MovingGarments(data::make_shapes(data::Split::train, {.count = 10, .channels = 3})); }),
                 "takes gray images"));
  CHECK(contains(message_of<ConfigError>([] { MovingGarments(named_like_garments().first(9)); }),
                 "there is no image of class Ankle boot"));
}
