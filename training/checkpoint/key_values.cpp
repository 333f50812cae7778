#include <ditharos/training/checkpoint/key_values.h>

#include <sstream>

namespace ditharos::training {

Values values_of(const std::string& text) {
  Values values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (const size_t at = line.find(" = "); at != std::string::npos)
      values.emplace_back(line.substr(0, at), line.substr(at + 3));
  return values;
}

std::optional<std::string> find(const Values& values, const std::string& key) {
  for (const auto& [name, value] : values)
    if (name == key) return value;
  return std::nullopt;
}

}  // namespace ditharos::training
