#include <ditharos/data/text/text_lines.h>

#include <algorithm>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::data {

std::string read_text(const std::string& path, uint64_t most_bytes) {
  std::string text = read_file(path, most_bytes);
  check<IoError>(text.find('\0') == std::string::npos, "cannot read ", path,
                 ": it holds zero bytes, so it is not UTF-8 text; save it as UTF-8");
  return text;
}

std::vector<std::string_view> text_lines(std::string_view text) {
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    lines.push_back(line.substr(0, line.find_last_not_of(" \t\v\f") + 1));
    const size_t mark = text.substr(end).starts_with("\r\n") ? 2 : 1;
    text.remove_prefix(std::min(end + mark, text.size()));
  }
  return lines;
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n"), last = text.find_last_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

}  // namespace ditharos::data
