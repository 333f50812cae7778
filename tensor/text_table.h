#pragma once
// A table as text, its columns aligned.
#include <string>
#include <vector>

namespace ditharos {

/// Rows of cells. Column i is aligned at the right where right_aligned[i] says so, at the left otherwise; two blanks
/// lie between columns, none at a line's end. Rows may lack cells at their end. A row without cells becomes a line of
/// dashes. Widths count characters of UTF-8, not bytes.
[[nodiscard]] std::string text_table(const std::vector<std::vector<std::string>>& rows,
                                     const std::vector<bool>& right_aligned);

}  // namespace ditharos
