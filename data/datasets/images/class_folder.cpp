#include <ditharos/data/datasets/images/class_folder.h>

#include <array>
#include <charconv>

namespace ditharos::data {
namespace {

struct Reserved {
  const char *class_name, *folder_name;
};
constexpr std::array<Reserved, 3> reserved{{{"", "%empty"}, {"train", "%train"}, {"test", "%test"}}};

/// True for a byte that is escaped at this position of a name.
bool is_escaped(const std::string& name, size_t i) {
  const auto byte = static_cast<unsigned char>(name[i]);
  if (byte == ' ') return name.find_first_not_of(' ') >= i || name.find_last_not_of(' ') + 1 <= i;
  if (byte == '.') return i == 0;
  return byte < 0x20 || byte == 0x7f || byte == '/' || byte == '\\' || byte == '%';
}

/// Replaces every %XX by its byte.
std::string unescaped(const std::string& folder_name) {
  std::string name;
  for (size_t i = 0; i < folder_name.size(); ++i) {
    unsigned byte = 0;
    const char* digits = folder_name.data() + i + 1;
    const bool whole = folder_name[i] == '%' && i + 2 < folder_name.size() &&
                       std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    name += whole ? static_cast<char>(byte) : folder_name[i];
    if (whole) i += 2;
  }
  return name;
}

}  // namespace

std::string folder_name_of(const std::string& class_name) {
  for (const Reserved& r : reserved)
    if (class_name == r.class_name) return r.folder_name;
  constexpr const char* digits = "0123456789ABCDEF";
  std::string name;
  for (size_t i = 0; i < class_name.size(); ++i) {
    const auto byte = static_cast<unsigned char>(class_name[i]);
    if (is_escaped(class_name, i)) name += {'%', digits[byte >> 4], digits[byte & 15]};
    else name += class_name[i];
  }
  return name;
}

std::string class_name_of(const std::string& folder_name) {
  for (const Reserved& r : reserved)
    if (folder_name == r.folder_name) return r.class_name;
  const std::string name = unescaped(folder_name);
  return folder_name_of(name) == folder_name ? name : folder_name;
}

}  // namespace ditharos::data
