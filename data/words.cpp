#include <ditharos/data/words.h>

#include <cstdint>

namespace ditharos::data {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || static_cast<uint8_t>(c) >= 128;
}
bool joins_words(char c) { return c == '-' || c == '\'' || c == '_'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> parts;
  bool after_blank = true;
  for (size_t i = 0; i < text.size();) {
    if (is_blank(text[i])) {
      after_blank = true;
      ++i;
      continue;
    }
    std::string part(after_blank ? " " : "");
    after_blank = false;
    const bool word = is_word_byte(text[i]);
    part += lower(text[i++]);
    while (word && i < text.size()) {
      const bool joint = joins_words(text[i]) && i + 1 < text.size() && is_word_byte(text[i + 1]);
      if (!joint && !is_word_byte(text[i])) break;
      part += lower(text[i++]);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

bool is_word(const std::string& part) {
  const std::string bare = without_blank(part);
  return !bare.empty() && is_word_byte(bare[0]);
}

}  // namespace ditharos::data
