#pragma once
// Internal to data/image/.
// The small letters on sample grids: printable ASCII, five columns by seven rows of pixels each.
#include <cstdint>
#include <string>
#include <string_view>

namespace ditharos::data {

inline constexpr int64_t glyph_width = 5, glyph_height = 7;
/// How far g, p, q and y reach below the line, and the rows that a line of text takes.
inline constexpr int64_t glyph_descent = 2, text_height = glyph_height + glyph_descent;
/// From one letter's left edge to the next one's.
inline constexpr int64_t glyph_advance = glyph_width + 1;

/// True when the letter has ink in that row of the line (0 is the top) and column (0 is the left). What is not
/// printable ASCII has the shape of '?'.
bool glyph_pixel(char letter, int64_t row, int64_t column);
/// The letters that stand for a text in UTF-8, printable ASCII, one a character: one '?' for each character that the
/// font lacks, however many bytes it has, and nothing for accents that are characters of their own. Typographic
/// quotation marks and blanks are drawn as those of ASCII (unicode.h).
std::string drawn_letters(std::string_view text);
/// Width of a line of text in font pixels, without the gap after the last letter.
int64_t text_width(std::string_view text);

}  // namespace ditharos::data
