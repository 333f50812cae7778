#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include <ditharos/data/synthetic/scene_caption.h>
#include <ditharos/data/text/words.h>
#include "tests/support/clip_objects.h"
#include "tests/support/data_files.h"

using namespace ditharos;
using namespace ditharos::tests;
using data::CaptionFacts;
using data::Motion;
using data::Scene;
using data::SceneGrammar;
using data::Sky;

namespace {

const SceneGrammar& garments() {
  static const SceneGrammar grammar(data::fashion_mnist_class_names());
  return grammar;
}

/// Checks that the parsed facts are those of the object; its class and motion are always in the caption.
void check_facts(const data::ObjectFacts& facts, const data::MovingObject& object) {
  CHECK(facts.label == object.label);
  CHECK(facts.motion == object.motion);
  CHECK(facts.tint.value_or(object.tint) == object.tint);
  CHECK(facts.fast.value_or(object.fast) == object.fast);
}

}  // namespace

TEST_CASE("scene captions: parsing one gives the facts of its scene, without those that it omits") {
  const data::MovingGarments clips = made_clips({.count = 3000, .seed = 4, .second_object = 0.3});
  std::map<std::string, int> said;
  std::set<std::string> wordings;
  for (int64_t i = 0; i < clips.size(); ++i) {
    const Scene scene = clips.scene(i);
    CAPTURE(scene.caption);
    const CaptionFacts facts = clips.grammar().read(scene.caption);
    check_facts(facts.lead, scene.lead);
    CHECK(facts.companion.has_value() == scene.companion.has_value());
    if (facts.companion && scene.companion) check_facts(*facts.companion, *scene.companion);
    CHECK(facts.sky.value_or(scene.sky.sky) == scene.sky.sky);
    said["color"] += facts.lead.tint.has_value();
    said["speed"] += facts.lead.fast.has_value();
    said["sky"] += facts.sky.has_value();
    wordings.insert(scene.caption);
  }
  CHECK(said["color"] > 1800);
  CHECK(said["color"] < 2500);
  CHECK(said["speed"] > 600);
  CHECK(said["speed"] < 900);
  CHECK(said["sky"] > 2500);
  CHECK(said["sky"] < 2850);
  CHECK(wordings.size() > 2500);
}

TEST_CASE("scene captions: none is longer than max_caption_words, and some are as long") {
  const data::MovingGarments clips = made_clips({.count = 20000, .seed = 1, .second_object = 0.9});
  size_t longest = 0;
  for (int64_t i = 0; i < clips.size(); ++i) longest = std::max(longest, data::split_words(clips.caption(i)).size());
  CHECK(longest <= static_cast<size_t>(data::max_caption_words));
  CHECK(longest >= 22);
}

TEST_CASE("scene captions: held-out clips name their sky") {
  const data::MovingGarments clips = made_clips({.count = 300, .split = data::SceneSplit::held_out});
  for (int64_t i = 0; i < clips.size(); ++i) CHECK(clips.grammar().read(clips.caption(i)).sky.has_value());
}

TEST_CASE("scene captions: prompts that people write are understood") {
  const auto read = [](const char* prompt) { return garments().read(prompt); };
  const CaptionFacts sneaker = read("A sneaker drifts left across a dawn sky.");
  CHECK(sneaker.lead.label == 7);
  CHECK(sneaker.lead.motion == Motion::left);
  CHECK_FALSE(sneaker.lead.tint);
  CHECK_FALSE(sneaker.lead.fast);
  CHECK(sneaker.sky == Sky::dawn);
  const CaptionFacts red = read("a red sneaker drifts left");
  CHECK(red.lead.tint == 1);
  CHECK_FALSE(red.sky);
  const CaptionFacts boot = read("a boot falls through a night sky");
  CHECK(boot.lead.label == 9);
  CHECK(boot.lead.motion == Motion::down);
  CHECK(boot.sky == Sky::night);
  CHECK(read("an ankle boot rises").lead.label == 9);
  const CaptionFacts blue_sky = read("a T-shirt bounces up and down in a blue sky");
  CHECK(blue_sky.lead.label == 0);
  CHECK(blue_sky.lead.motion == Motion::bounce);
  CHECK_FALSE(blue_sky.lead.tint);  // the sky is blue
  CHECK(blue_sky.sky == Sky::day);
  const CaptionFacts blue_shirt = read("a blue shirt moves right slowly in a gray sky");
  CHECK(blue_shirt.lead.label == 6);
  CHECK(blue_shirt.lead.tint == 5);
  CHECK(blue_shirt.lead.fast == false);
  CHECK(blue_shirt.sky == Sky::storm);
  const CaptionFacts two = read("a coat sinks at dusk while a small green bag climbs");
  CHECK(two.lead.label == 4);
  REQUIRE(two.companion);
  CHECK(two.companion->label == 8);
  CHECK(two.companion->tint == 4);
  CHECK(two.companion->motion == Motion::up);
  const CaptionFacts nothing = read("");
  CHECK_FALSE(nothing.lead.label);
  CHECK_FALSE(nothing.lead.motion);
}

TEST_CASE("scene captions: grammar agrees with its nouns") {
  Scene scene;
  scene.lead.label = 1;
  bool singular = false, plural = false;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const std::string caption = garments().write(scene, Generator(seed));
    CAPTURE(caption);
    const bool pair = contains(caption, "pair of ");
    const bool third_person = contains(caption, "drifts") || contains(caption, "floats") ||
                              contains(caption, "glides") || contains(caption, "moves") ||
                              contains(caption, "slides") || contains(caption, "flies");
    CHECK(pair == third_person);
    CHECK_FALSE(contains(caption, " a trousers"));
    CHECK_FALSE(contains(caption, "a orange"));
    (pair ? singular : plural) = true;
  }
  CHECK(singular);
  CHECK(plural);
  scene.lead.label = 9;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    CHECK_FALSE(contains(garments().write(scene, Generator(seed)), "a ankle"));
  }
}

TEST_CASE("scene captions: class names of any data set serve as nouns") {
  const SceneGrammar grammar({"Disc", "Ice cream/cone", "x"});
  Scene scene;
  scene.lead.label = 1;
  const std::string caption = grammar.write(scene, Generator(0));
  CAPTURE(caption);
  CHECK(contains(caption, "ice cream"));
  CHECK(grammar.read(caption).lead.label == 1);
  CHECK(contains(message_of<ConfigError>([] { SceneGrammar({"a", "/b"}); }), "the class name '/b' holds no word"));
}

TEST_CASE("words: lower case, marks apart, blanks in front of what follows white space") {
  using Parts = std::vector<std::string>;
  CHECK(data::split_words("A T-shirt,\tred.") == Parts{" a", " t-shirt", ",", " red", "."});
  CHECK(data::split_words("  - x-  y's (z) caf\xc3\xa9") ==
        Parts{" -", " x", "-", " y's", " (", "z", ")", " caf\xc3\xa9"});
  CHECK(data::split_words(" \n").empty());
  CHECK(data::is_word(" a"));
  CHECK(data::is_word("9"));
  CHECK_FALSE(data::is_word(","));
}
