#include <ditharos/data/text/words.h>

#include <ditharos/data/text/unicode.h>

namespace ditharos::data {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool joins_words(char c) { return c == '-' || c == '\'' || c == '_'; }

/// The bytes of the first character of `text` if it can be part of a word, else 0.
size_t word_character(std::string_view text) {
  if (text.empty()) return 0;
  const Character c = first_character(text);
  if (c.code < 0 || c.code >= 128) return is_punctuation(c.code) ? 0 : c.length;
  const bool plain =
      (c.code >= 'a' && c.code <= 'z') || (c.code >= 'A' && c.code <= 'Z') || (c.code >= '0' && c.code <= '9');
  return plain ? 1 : 0;
}

/// The bytes of the word or mark at the beginning of `text`.
size_t part_length(std::string_view text) {
  size_t length = word_character(text);
  if (length == 0) return first_character(text).length;
  while (length < text.size()) {
    const size_t joint = joins_words(text[length]) ? 1 : 0;
    const size_t next = word_character(text.substr(length + joint));
    if (next == 0) break;
    length += joint + next;
  }
  return length;
}

}  // namespace

std::vector<std::string> split_words(const std::string& text) {
  const std::string normal = normalized(text, Case::folded);
  std::vector<std::string> parts;
  bool after_blank = true;
  for (std::string_view left = normal; !left.empty();) {
    if (is_blank(left[0])) {
      after_blank = true;
      left.remove_prefix(1);
      continue;
    }
    const size_t length = part_length(left);
    parts.push_back((after_blank ? " " : "") + std::string(left.substr(0, length)));
    after_blank = false;
    left.remove_prefix(length);
  }
  return parts;
}

bool is_word(const std::string& part) { return word_character(without_blank(part)) > 0; }

}  // namespace ditharos::data
