#pragma once
// Writing of JSON objects: members in the order of the calls, numbers that read back exactly.
#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

namespace ditharos::training {

class JsonObject {
 public:
  JsonObject& add(const std::string& name, double value);  ///< NaN and infinity become null, since JSON lacks them
  JsonObject& add(const std::string& name, const std::string& value);
  JsonObject& add(const std::string& name, const char* value) { return add(name, std::string(value)); }
  JsonObject& add(const std::string& name, const JsonObject& value);
  JsonObject& add(const std::string& name, const std::vector<double>& values);  ///< a list, of numbers as above
  template <std::integral T>
  JsonObject& add(const std::string& name, T value) {
    if constexpr (std::same_as<T, bool>) return add_raw(name, value ? "true" : "false");
    else return add_raw(name, std::to_string(value));
  }

  /// On one line, without its end: {"step": 12, "loss": 0.25}
  std::string text() const { return "{" + members_ + "}"; }

 private:
  JsonObject& add_raw(const std::string& name, const std::string& text);
  std::string members_;
};

}  // namespace ditharos::training
