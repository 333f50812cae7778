#pragma once
// The settings of a JSON file such as diffusers' config.json: one object of numbers, texts, switches and flat lists.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace ditharos::models {

/// The values of a JSON object by their keys. null counts as absent. Objects and lists of lists inside of it are
/// skipped: the configurations of models have none that matters here.
class JsonObject {
 public:
  JsonObject() = default;
  /// IoError, with the path, for a file that cannot be read, is larger than 1 MiB or is not a JSON object.
  static JsonObject load(const std::string& path);
  /// The same for text; `source` names it in messages.
  static JsonObject parse(const std::string& text, const std::string& source);

  /// Whether the key has a value, of any kind.
  bool has(const std::string& key) const;
  /// The value of the key, or nothing if it has none. ConfigError, with the key and the file, for a value of another
  /// kind. A whole number is also a number, and one integer is also a list of one.
  std::optional<int64_t> integer(const std::string& key) const;
  std::optional<double> number(const std::string& key) const;
  std::optional<bool> flag(const std::string& key) const;
  std::optional<std::string> text(const std::string& key) const;
  std::optional<std::vector<int64_t>> integers(const std::string& key) const;

  /// "config.json", for messages; "" for the empty object.
  const std::string& source() const { return source_; }

 private:
  friend class JsonObjectReader;
  using Value = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>>;
  template <class T>
  std::optional<T> as(const std::string& key, const char* kind) const;

  std::string source_;
  std::map<std::string, Value> values_;
};

}  // namespace ditharos::models
