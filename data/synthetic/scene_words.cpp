#include <ditharos/data/synthetic/scene_words.h>

#include <algorithm>
#include <array>
#include <utility>

namespace ditharos::data {
namespace {

Words sideways(const std::string& way) {
  Words verbs;
  for (const char* verb : {"drifts", "floats", "glides", "moves", "slides", "flies"}) {
    for (const char* to : {" ", " to the "}) verbs.push_back(verb + (to + way));
  }
  return verbs;
}

/// The value of the first entry that has one of the words.
template <class T>
using Keys = std::vector<std::pair<T, Words>>;
template <class T>
std::optional<T> find_key(const Keys<T>& keys, const Words& words) {
  for (const auto& [value, synonyms] : keys) {
    const bool said = std::find_first_of(words.begin(), words.end(), synonyms.begin(), synonyms.end()) != words.end();
    if (said) return value;
  }
  return std::nullopt;
}

}  // namespace

// A word that is listed twice is drawn twice as often.

const Words& verbs_of(Motion motion) {
  static const std::array<Words, motion_count> verbs = {
      sideways("left"),
      sideways("right"),
      Words{"rises", "rises", "climbs", "drifts up", "floats up", "moves up", "floats upwards"},
      Words{"falls", "falls", "drops", "sinks", "drifts down", "floats down", "moves down"},
      Words{"bounces", "bounces", "hops", "bounces up and down"},
      Words{"grows", "grows", "gets bigger", "gets larger", "comes closer"},
      Words{"shrinks", "shrinks", "gets smaller", "moves away"}};
  return verbs[static_cast<size_t>(motion)];
}

const Words& speed_words(bool fast) {
  static const Words slow_words = {"slowly", "gently"}, fast_words = {"quickly", "fast"};
  return fast ? fast_words : slow_words;
}

const SkyWords& words_of(Sky sky) {
  static const std::array<SkyWords, sky_count> words = {{{{"dawn"}, "at dawn"},
                                                         {{"blue", "clear", "day"}, "by day"},
                                                         {{"sunset"}, "at sunset"},
                                                         {{"dusk", "violet"}, "at dusk"},
                                                         {{"night", "night", "starry"}, "at night"},
                                                         {{"stormy", "grey", "cloudy"}, "in a storm"}}};
  return words[static_cast<size_t>(sky)];
}

std::optional<Motion> motion_said(const Words& words) {
  // In this order, because "up and down" contains "up".
  static const Keys<Motion> keys = {
      {Motion::bounce, {"bounces", "bounce", "bouncing", "hops", "hop", "hopping"}},
      {Motion::grow, {"grows", "grow", "growing", "bigger", "larger", "closer"}},
      {Motion::shrink, {"shrinks", "shrink", "shrinking", "smaller", "away"}},
      {Motion::left, {"left", "leftwards"}},
      {Motion::right, {"right", "rightwards"}},
      {Motion::up, {"rises", "rise", "rising", "climbs", "climb", "climbing", "up", "upwards"}},
      {Motion::down,
       {"falls", "fall", "falling", "drops", "drop", "dropping", "sinks", "sink", "sinking", "down", "downwards"}}};
  return find_key(keys, words);
}

std::optional<bool> speed_said(const Words& words) {
  static const Keys<bool> keys = {{false, speed_words(false)}, {true, speed_words(true)}};
  return find_key(keys, words);
}

std::optional<Sky> sky_said(const Words& words) {
  static const Keys<Sky> keys = {{Sky::dawn, {"dawn"}},
                                 {Sky::sunset, {"sunset"}},
                                 {Sky::dusk, {"dusk", "violet", "twilight"}},
                                 {Sky::night, {"night", "starry"}},
                                 {Sky::storm, {"storm", "stormy", "grey", "gray", "cloudy"}},
                                 {Sky::day, {"day", "clear"}}};
  if (const std::optional<Sky> sky = find_key(keys, words)) return sky;
  const Words blue_sky = {"blue", "sky"};
  const bool is_blue = std::search(words.begin(), words.end(), blue_sky.begin(), blue_sky.end()) != words.end();
  return is_blue ? std::optional(Sky::day) : std::nullopt;
}

}  // namespace ditharos::data
