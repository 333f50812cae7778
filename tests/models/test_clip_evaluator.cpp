#include <doctest/doctest.h>

#include <algorithm>

#include <ditharos/models/evaluation/clip_evaluator.h>
#include <ditharos/tensor/random.h>
#include "tests/support/clip_objects.h"
#include "tests/support/data_files.h"

using namespace ditharos;
using namespace ditharos::models;
using namespace ditharos::tests;
using data::CaptionFacts;
using data::Motion;
using data::Sky;

namespace {

CaptionFacts asked(int64_t label, Motion motion, std::optional<Sky> sky) {
  CaptionFacts facts;
  facts.lead.label = label;
  facts.lead.motion = motion;
  facts.sky = sky;
  return facts;
}

}  // namespace

TEST_CASE("clip evaluator: scores count what captions describe and clips show") {
  const std::vector<CaptionFacts> captions = {
      asked(1, Motion::left, Sky::dawn), asked(2, Motion::grow, std::nullopt), asked(3, Motion::up, Sky::night), {}};
  const std::vector<ClipPrediction> clips = {{1, Motion::left, Sky::day},
                                             {2, Motion::grow, Sky::day},
                                             {std::nullopt, std::nullopt, Sky::night},
                                             {1, Motion::left, Sky::dawn}};
  const ClipScore score = score_clips(captions, clips);
  CHECK(score.object.asked == 3);
  CHECK(score.object.shown == 2);
  CHECK(score.motion.asked == 3);
  CHECK(score.motion.shown == 2);
  CHECK(score.direction.asked == 2);
  CHECK(score.direction.shown == 1);
  CHECK(score.sky.asked == 2);
  CHECK(score.sky.shown == 1);
  CHECK(score.sky.value() == 0.5);
  const ClipScore shuffled = score_shuffled(captions, clips);
  CHECK(shuffled.object.asked == 9);  // three captions against three other clips each
  CHECK(shuffled.object.shown == 1);  // the first caption, the last clip
  CHECK(shuffled.motion.shown == 1);
  CHECK(shuffled.sky.asked == 6);
  CHECK(shuffled.sky.shown == 1);
  CHECK(Share{}.value() == 0);
  CHECK(contains(message_of<Error>([&] { score_clips(captions, {}); }), "4 captions for 0 clips"));
}

TEST_CASE("clip evaluator: crops carry the class of the leading object") {
  const data::MovingGarments clips = made_clips({.count = 12, .second_object = 0.5});
  const data::Dataset crops = object_crops(clips, {{2, 32, 32}, {3, 32, 40}});
  CHECK(crops.size() == 6 * 2 + 6 * 3);
  CHECK(crops.height() == 28);
  CHECK(crops.class_names() == data::fashion_mnist_class_names());
  for (int64_t i = 0; i < 12; ++i) CHECK(crops.label(i / 2 * 5 + i % 2 * 2) == clips.scene(i).lead.label);
  CHECK(contains(message_of<ConfigError>([&] { object_crops(clips, {}); }), "at least one shape"));
}

TEST_CASE("clip evaluator: a clip gets a class, its motion and its sky; an empty sky no class") {
  Generator rng(0);
  ConvClassifier classifier({.channels = 1, .height = 28, .width = 28, .classes = 10}, rng);
  nn::set_training(classifier, false);
  const data::MovingGarments clips = made_clips({.count = 5, .second_object = 0});
  for (int64_t i = 0; i < clips.size(); ++i) {
    const data::Scene scene = clips.scene(i);
    const ClipPrediction prediction = classify_clip(classifier, clips.render(scene, {8, 32, 32}));
    REQUIRE(prediction.label);
    CHECK(*prediction.label >= 0);
    CHECK(*prediction.label < 10);
    CHECK(prediction.motion == scene.lead.motion);
    CHECK(prediction.sky == scene.sky.sky);
  }
  const Tensor black({2, 3, 8, 8}, DType::u8);
  std::fill_n(black.mutable_data<uint8_t>(), black.numel(), uint8_t{9});
  const ClipPrediction empty = classify_clip(classifier, black);
  CHECK_FALSE(empty.label);
  CHECK_FALSE(empty.motion);
  CHECK(empty.sky == Sky::night);
}
