#pragma once
// Numbers as text. printf, strtod, std::to_string and streams write and read a comma for the point wherever the program
// has called setlocale; these, and std::from_chars for reading, do not.
#include <string>

namespace ditharos {

/// As printf's "%.*f", "%.*g" and "%.*e" in the locale "C". Columns are made by padding the text.
[[nodiscard]] std::string fixed_text(double x, int decimals);
[[nodiscard]] std::string general_text(double x, int digits);
[[nodiscard]] std::string scientific_text(double x, int decimals);
/// The shortest decimal text that reads back as exactly `x`: "0.1", "4e-05", "1.0". Not finite: "nan", "inf", "-inf".
[[nodiscard]] std::string shortest(double x);

/// `text` at the right or the left of a column of at least so many characters.
[[nodiscard]] std::string right_aligned(const std::string& text, size_t width);
[[nodiscard]] std::string left_aligned(const std::string& text, size_t width);

}  // namespace ditharos
