#pragma once
// Internal to data/.
// Splits captions and prompts into words.
#include <string>
#include <vector>

namespace ditharos::data {

/// The words and punctuation marks of a text, normalised as unicode.h says with the case folded: "É" is "é" however it
/// was typed, and a no-break space is a blank. A word is a run of letters, digits and other characters beyond ASCII
/// that are no punctuation, with hyphens, apostrophes and underscores inside; every other visible character is a mark
/// of its own. Bytes that are not UTF-8 are parts of words. Words and marks at the beginning of the text or after white
/// space have a blank in front: "A T-shirt, red." is " a", " t-shirt", ",", " red", ".". Joined together they are the
/// normalised text.
std::vector<std::string> split_words(const std::string& text);

/// True for words, false for marks.
bool is_word(const std::string& part);
/// The word or mark without the blank in front.
inline std::string without_blank(const std::string& part) { return part.substr(part.starts_with(' ') ? 1 : 0); }

}  // namespace ditharos::data
