#pragma once
// Internal to data/.
// UTF-8 text, character by character: what Unicode says of them (through utf8proc).
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ditharos::data {

/// A code point and the bytes that it takes. A byte that belongs to no well-formed sequence is a character of its own,
/// with code -1.
struct Character {
  int32_t code = -1;
  size_t length = 0;
};
/// The first character of `text`, which must not be empty.
Character first_character(std::string_view text);

enum class Case {
  kept,
  folded  ///< "É" as "é", "ß" as "ss" (Unicode's full case folding)
};
/// The text in normalisation form C, so that one character has one spelling; with every kind of white space as a blank,
/// typographic quotation marks, apostrophes and hyphens as those of ASCII, an ellipsis as three dots, and without soft
/// hyphens and byte order marks. ASCII stays as it is but for its case, and bytes that are not UTF-8 stay as they are.
std::string normalized(std::string_view text, Case letters);

/// A letter of ASCII in lower case; every other byte as it is, whatever the locale.
inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// True for punctuation of any script (Unicode's categories P).
bool is_punctuation(int32_t code);
/// True for what is drawn over the character before, or not at all.
bool has_no_width(int32_t code);

}  // namespace ditharos::data
