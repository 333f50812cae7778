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

std::string differences(const std::string& then, const std::string& now, const std::set<std::string>& may_change) {
  constexpr int shown = 6;
  const Values old_values = values_of(then), new_values = values_of(now);
  std::string text;
  int count = 0;
  const auto add = [&](const std::string& key, const std::string& value, const std::string& before) {
    if (may_change.contains(key) || value == before || ++count > shown) return;
    text += (text.empty() ? "" : ", ") + key + " = " + value + " instead of " + before;
  };
  for (const auto& [key, value] : new_values) add(key, value, find(old_values, key).value_or("nothing"));
  for (const auto& [key, value] : old_values)
    if (!find(new_values, key)) add(key, "nothing", value);
  if (count > shown) text += " and " + std::to_string(count - shown) + " more";
  return text;
}

}  // namespace ditharos::training
