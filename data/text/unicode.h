#pragma once
// Internal to data/.
// Characters of UTF-8 text and their Unicode properties (through utf8proc).
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ditharos::data {

/// A code point and its number of bytes. A byte that belongs to no well-formed sequence is a character of its own, with
/// code -1.
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
/// The text in normalisation form C, which makes equal characters equal bytes. White space of any kind becomes a blank;
/// typographic quotation marks, apostrophes and hyphens become those of ASCII, an ellipsis three dots; soft hyphens and
/// byte order marks are removed. ASCII is unchanged except for its case, and bytes that are not UTF-8 are unchanged.
std::string normalized(std::string_view text, Case letters);

/// A letter of ASCII in lower case; every other byte unchanged, independent of the locale.
inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// True for punctuation of any script (Unicode's categories P).
bool is_punctuation(int32_t code);
/// True for combining and invisible characters.
bool has_no_width(int32_t code);

}  // namespace ditharos::data
