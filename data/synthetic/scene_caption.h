#pragma once
// Captions of scenes: a grammar with many wordings, and its parser.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/data/synthetic/scene.h>

namespace ditharos::data {

/// What a caption describes of one object; empty where it does not.
struct ObjectFacts {
  std::optional<int64_t> label;
  std::optional<int> tint;
  std::optional<Motion> motion;
  std::optional<bool> fast;
};
struct CaptionFacts {
  ObjectFacts lead;
  std::optional<ObjectFacts> companion;
  std::optional<Sky> sky;
};

/// No caption about Fashion-MNIST's garments is longer, commas counted: with a start token it takes 24 tokens.
inline constexpr int64_t max_caption_words = 23;

/// Writes and reads captions about objects of these classes.
class SceneGrammar {
 public:
  /// Fashion-MNIST's names are replaced by common nouns ("ankle boot" or "boot", "a pair of trousers"); any other name
  /// is used in lower case, up to its first '/'.
  explicit SceneGrammar(const std::vector<std::string>& class_names);

  /// One of the scene's captions: "a red sneaker drifts left across a dawn sky". With `always_sky` it names the sky.
  std::string write(const Scene& scene, Generator random, bool always_sky = false) const;
  /// Parses a caption or a prompt by its key words.
  CaptionFacts read(const std::string& caption) const;

 private:
  struct Noun {
    std::string before, word;  ///< "pair of " and "trousers": a colour goes between them
    bool plural = false;       ///< "trousers drift", without "a"
  };
  std::string subject(const MovingObject& object, bool small, class WordChoices& choices, bool& plural) const;
  std::string clause(const MovingObject& object, bool small, bool brief, class WordChoices& choices) const;
  ObjectFacts read_clause(const std::vector<std::string>& words) const;

  std::vector<std::vector<Noun>> nouns_;  // of each class
};

}  // namespace ditharos::data
