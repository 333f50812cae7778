#pragma once
// Typed exceptions, and `check`, which throws them for bad input.
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace ditharos {

/// Base class of every exception that the library throws. The message is one sentence for the user.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
class ShapeError : public Error { using Error::Error; };     ///< shapes or axes that do not fit
class DTypeError : public Error { using Error::Error; };     ///< an element type that the operation does not take
class AutogradError : public Error { using Error::Error; };  ///< a graph that is missing, freed or modified
class IoError : public Error { using Error::Error; };        ///< a file that is missing, damaged or not writable
class ConfigError : public Error { using Error::Error; };    ///< a setting that is unknown or out of range

namespace detail {
/// Six decimals, as std::to_string writes them, in every locale.
[[nodiscard]] std::string message_number(double x);
}  // namespace detail

/// Text of one part of a message. Types of the library add overloads beside their definition.
[[nodiscard]] inline std::string to_text(const char* s) { return s; }
[[nodiscard]] inline std::string to_text(const std::string& s) { return s; }
template <class T>
  requires std::is_arithmetic_v<T>
[[nodiscard]] std::string to_text(T value) {
  if constexpr (std::is_same_v<T, bool>) return value ? "true" : "false";
  else if constexpr (std::is_floating_point_v<T>) return detail::message_number(static_cast<double>(value));
  else return std::to_string(value);
}

template <class E = Error, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::string message;
  (message.append(to_text(parts)), ...);
  throw E(message);
}

/// Throws E with the concatenated parts unless `ok`. Parts are turned into text only on failure.
template <class E = Error, class... Parts>
void check(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]] fail<E>(parts...);
}

}  // namespace ditharos
