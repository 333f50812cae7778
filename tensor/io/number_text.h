#pragma once
// Numbers as text, independent of the locale. printf, strtod, std::to_string and streams use the decimal separator of
// the locale once the program has called setlocale. These functions do not, nor does std::from_chars for reading.
#include <string>

namespace ditharos {

/// As printf's "%.*f", "%.*g" and "%.*e" in the locale "C".
[[nodiscard]] std::string fixed_text(double x, int decimals);
[[nodiscard]] std::string general_text(double x, int digits);
[[nodiscard]] std::string scientific_text(double x, int decimals);
/// The shortest decimal text that reads back as exactly `x`: "0.1", "4e-05", "1.0". Not finite: "nan", "inf", "-inf".
[[nodiscard]] std::string shortest(double x);

/// `text`, padded at the left or at the right to at least `width` characters.
[[nodiscard]] std::string right_aligned(const std::string& text, size_t width);
[[nodiscard]] std::string left_aligned(const std::string& text, size_t width);

}  // namespace ditharos
