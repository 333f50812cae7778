#pragma once
#include <sstream>
#include <string>
#include <vector>

namespace ditharos::tests {

/// A key of a configuration, and its value as TOML.
struct TomlKey {
  std::string section, name, value;
  /// A document with this key alone.
  std::string text() const { return "[" + section + "]\n" + name + " = " + value + "\n"; }
};

/// Every key of a configuration that Settings wrote, with its value.
inline std::vector<TomlKey> keys_in(const std::string& toml) {
  std::vector<TomlKey> keys;
  std::string section;
  std::istringstream lines(toml);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) section = line.substr(1, line.size() - 2);
    else if (const size_t at = line.find(" = "); at != std::string::npos)
      keys.push_back({section, line.substr(0, at), line.substr(at + 3)});
  }
  return keys;
}

}  // namespace ditharos::tests
