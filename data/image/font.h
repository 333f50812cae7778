#pragma once
// Internal to data/image/.
// The small letters on sample grids: printable ASCII, five columns by seven rows of pixels each.
#include <cstdint>
#include <string>
#include <string_view>

namespace ditharos::data {

inline constexpr int64_t glyph_width = 5, glyph_height = 7;
/// The rows of g, p, q and y below the base line, and the rows of a line of text.
inline constexpr int64_t glyph_descent = 2, text_height = glyph_height + glyph_descent;
/// From one letter's left edge to the next one's.
inline constexpr int64_t glyph_advance = glyph_width + 1;

/// True when the letter covers that row of the line (0 is the top) and column (0 is the left). Characters that are not
/// printable ASCII have the shape of '?'.
bool glyph_pixel(char letter, int64_t row, int64_t column);
/// A text in UTF-8 as printable ASCII, one letter per character: one '?' for each character that the font lacks, and
/// nothing for combining accents. Typographic quotation marks and blanks become those of ASCII (unicode.h).
std::string drawn_letters(std::string_view text);
/// Width of a line of text in font pixels, without the gap after the last letter.
int64_t text_width(std::string_view text);

}  // namespace ditharos::data
