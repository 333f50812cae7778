#pragma once
// Lines of text files that users write in any editor.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ditharos::data {

/// What editors put in front of a text in UTF-8.
inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// The text of a file of at most `most_bytes` bytes. IoError naming the file when it cannot be read, is longer, or
/// holds zero bytes, which UTF-16 and binary files do.
[[nodiscard]] std::string read_text(const std::string& path, uint64_t most_bytes);

/// The lines of a text, in order: line k of the file is [k - 1]. A line ends with LF, CR LF or CR alone; the end of the
/// last one may be missing. A byte order mark in front of the first line and blanks at the end of any (spaces, tabs)
/// do not count. The views point into `text`.
[[nodiscard]] std::vector<std::string_view> text_lines(std::string_view text);

/// `text` without the blanks (spaces, tabs, CR, LF) at both ends. The view points into `text`.
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace ditharos::data
