#pragma once
// Internal to data/synthetic/.
// The vocabulary for writing and parsing captions of scenes.
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/synthetic/scene.h>

namespace ditharos::data {

using Words = std::vector<std::string>;

/// How an object moves: "drifts left". The first word of each is the verb, in the third person.
const Words& verbs_of(Motion motion);

/// "slowly", or "quickly".
const Words& speed_words(bool fast);

struct SkyWords {
  Words adjectives;  ///< before "sky"
  std::string time;  ///< the same without "sky": "at dawn"
};
const SkyWords& words_of(Sky sky);

/// What one of these words, in lower case, says; nothing when none says anything. A blue sky is the day's.
std::optional<Motion> motion_said(const Words& words);
std::optional<bool> speed_said(const Words& words);
std::optional<Sky> sky_said(const Words& words);

}  // namespace ditharos::data
