#pragma once
// A table as text, its columns aligned.
#include <string>
#include <vector>

namespace ditharos {

/// The rows as lines of text. Column i is aligned at the right if right_aligned[i] is true, else at the left. Two
/// blanks separate columns, and lines have no trailing blanks. A row may have fewer cells than others. A row without
/// cells becomes a line of dashes. Widths are counted in UTF-8 characters, not bytes.
[[nodiscard]] std::string text_table(const std::vector<std::vector<std::string>>& rows,
                                     const std::vector<bool>& right_aligned);

}  // namespace ditharos
