#include <ditharos/data/synthetic/scene_caption.h>

#include <algorithm>
#include <map>

#include <ditharos/data/synthetic/scene_words.h>
#include <ditharos/data/text/words.h>

namespace ditharos::data {

/// Random choices of words; each uses the next number of a stream.
class WordChoices {
 public:
  explicit WordChoices(Generator random) : random_(random) {}
  bool chance(double p) { return random_.uniform() < p; }
  template <class T>
  const T& one_of(const std::vector<T>& list) {
    const auto n = static_cast<double>(list.size());
    return list[std::min(static_cast<size_t>(random_.uniform() * n), list.size() - 1)];
  }

 private:
  Generator random_;
};

namespace {

/// "drifts left" -> "drift left"
std::string plural_of(const std::string& verb) {
  const size_t end = std::min(verb.find(' '), verb.size());
  const std::string first = verb.substr(0, end), rest = verb.substr(end);
  if (first.ends_with("ies")) return first.substr(0, first.size() - 3) + "y" + rest;
  return first.substr(0, first.size() - 1) + rest;
}

std::string with_article(const std::string& noun) {
  const bool vowel = std::string("aeiou").find(noun[0]) != std::string::npos;
  return (vowel ? "an " : "a ") + noun;
}

std::string sky_phrase(Sky sky, Motion motion, WordChoices& choices) {
  const SkyWords& words = words_of(sky);
  if (choices.chance(0.25)) return words.time;
  if (sky != Sky::storm && choices.chance(0.15)) return "in a sky " + words.time;
  static const Words sideways = {"across", "across", "through", "in"}, upright = {"through", "through", "in"},
                     in_place = {"in", "in", "against"};
  const bool moves_sideways = motion == Motion::left || motion == Motion::right;
  const Words& prepositions = moves_sideways ? sideways : is_direction(motion) ? upright : in_place;
  const std::string preposition = choices.one_of(prepositions), adjective = choices.one_of(words.adjectives);
  return preposition + (choices.chance(0.7) ? " a " : " the ") + adjective + " sky";
}

/// The index of `phrase` in `words`; words.size() when it is not there.
size_t find_phrase(const Words& words, const Words& phrase) {
  return static_cast<size_t>(std::search(words.begin(), words.end(), phrase.begin(), phrase.end()) - words.begin());
}
Words plain_words(const std::string& text) {
  Words words;
  for (const std::string& part : split_words(text)) {
    if (is_word(part)) words.push_back(without_blank(part));
  }
  return words;
}

}  // namespace

SceneGrammar::SceneGrammar(const std::vector<std::string>& class_names) {
  static const std::map<std::string, std::vector<Noun>> natural = {
      {"trouser", {{"pair of ", "trousers", false}, {"", "trousers", true}}},
      {"ankle boot", {{"", "ankle boot", false}, {"", "boot", false}}}};
  for (const std::string& name : class_names) {
    std::string word;
    for (const std::string& part : split_words(name.substr(0, name.find('/')))) word += part;
    word = without_blank(word);
    check<ConfigError>(!word.empty(), "[SceneGrammar] the class name '", name, "' holds no word");
    const auto found = natural.find(word);
    nouns_.push_back(found == natural.end() ? std::vector<Noun>{{"", word, false}} : found->second);
  }
}

std::string SceneGrammar::subject(const MovingObject& object, bool small, WordChoices& choices, bool& plural) const {
  const Noun& noun = choices.one_of(nouns_[static_cast<size_t>(object.label)]);
  plural = noun.plural;
  // White is the default colour, which captions do not name.
  const bool colored = choices.chance(object.tint == 0 ? 0.35 : 0.75) && object.tint != own_colors;
  const std::string color = colored ? std::string(tint(object.tint).name) + " " : "";
  const std::string phrase = (small ? "small " : "") + noun.before + color + noun.word;
  if (!small && choices.chance(0.2)) return "the " + phrase;
  return plural ? phrase : with_article(phrase);
}

std::string SceneGrammar::clause(const MovingObject& object, bool small, bool brief, WordChoices& choices) const {
  bool plural = false;
  const std::string who = subject(object, small, choices, plural);
  std::string verb = choices.one_of(verbs_of(object.motion));
  while (small && std::count(verb.begin(), verb.end(), ' ') > 1) verb = choices.one_of(verbs_of(object.motion));
  if (plural) verb = plural_of(verb);
  if (brief || !choices.chance(0.35)) return who + " " + verb;
  const std::string speed = choices.one_of(speed_words(object.fast));
  return speed != "fast" && choices.chance(0.5) ? who + " " + speed + " " + verb : who + " " + verb + " " + speed;
}

std::string SceneGrammar::write(const Scene& scene, Generator random, bool always_sky) const {
  WordChoices choices(random);
  const bool two = scene.companion.has_value();  // shorter descriptions of both, because of max_caption_words
  const std::string lead = clause(scene.lead, false, two, choices);
  const bool names_sky = choices.chance(0.9) || always_sky;
  const std::string sky = names_sky ? sky_phrase(scene.sky.sky, scene.lead.motion, choices) : "";
  const bool sky_first = choices.chance(0.15) && !two;
  std::string caption = !names_sky ? lead : sky_first ? sky + ", " + lead : lead + " " + sky;
  if (two) {
    const std::string companion = clause(*scene.companion, true, true, choices);
    caption += (choices.chance(0.8) ? " while " : " and ") + companion;
  }
  return caption;
}

ObjectFacts SceneGrammar::read_clause(const Words& words) const {
  ObjectFacts facts;
  size_t longest = 0;  // "ankle boot" wins over "boot"
  for (size_t label = 0; label < nouns_.size(); ++label) {
    for (const Noun& noun : nouns_[label]) {
      const Words phrase = plain_words(noun.word);
      if (phrase.size() <= longest || find_phrase(words, phrase) == words.size()) continue;
      longest = phrase.size();
      facts.label = static_cast<int64_t>(label);
    }
  }
  for (int color = 0; color < tint_count && !facts.tint; ++color) {
    for (size_t i = 0; i < words.size(); ++i) {
      const bool of_sky = i + 1 < words.size() && words[i + 1] == "sky";
      if (words[i] == tint(color).name && !of_sky) facts.tint = color;
    }
  }
  facts.motion = motion_said(words);
  facts.fast = speed_said(words);
  return facts;
}

CaptionFacts SceneGrammar::read(const std::string& caption) const {
  const Words words = plain_words(caption);
  CaptionFacts facts;
  facts.sky = sky_said(words);
  // The companion's clause begins at "while" or "and", but not at the "and" of "up and down".
  size_t split = words.size();
  for (size_t i = 0; i < words.size() && split == words.size(); ++i) {
    const bool up_and_down = i + 1 < words.size() && words[i + 1] == "down";
    if (words[i] == "while" || (words[i] == "and" && !up_and_down)) split = i;
  }
  const auto middle = words.begin() + static_cast<std::ptrdiff_t>(split);
  facts.lead = read_clause(Words(words.begin(), middle));
  if (middle != words.end()) {
    const ObjectFacts companion = read_clause(Words(middle + 1, words.end()));
    if (companion.label) facts.companion = companion;
  }
  return facts;
}

}  // namespace ditharos::data
