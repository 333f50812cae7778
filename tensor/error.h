#pragma once
// Typed exceptions, and `check`, which throws them for bad input.
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace ditharos {

/// Base class of every exception that the library throws. The message is one sentence for the user.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message), length_(message.size()) {}

  /// Appends the path of the module that computed, in the place of one that was appended before:
  /// MESSAGE (in the module blocks.3.attn.qkv). An empty path changes nothing.
  void set_module(const std::string& path);
  /// Whether set_module has appended a path.
  [[nodiscard]] bool has_module() const { return std::string_view(what()).size() > length_; }

  /// The innermost module that the exception has left, which the modules around it look up to give its path.
  const void* module = nullptr;

 private:
  size_t length_;  // of the message without the path
};
class ShapeError : public Error {
  using Error::Error;
};  ///< shapes or axes that do not fit
class DTypeError : public Error {
  using Error::Error;
};  ///< an element type that the operation does not take
class AutogradError : public Error {
  using Error::Error;
};  ///< a graph that is missing, freed or modified
class IoError : public Error {
  using Error::Error;
};  ///< a file that is missing, damaged or not writable
class ConfigError : public Error {
  using Error::Error;
};  ///< a setting that is unknown or out of range

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

namespace detail {
/// A part of a message, which becomes text only on failure. It refers to the value.
class MessagePart {
 public:
  MessagePart(const char* text)  // literals of all lengths
      : value_(text), text_([](const void* s) { return to_text(static_cast<const char*>(s)); }) {}
  template <class T>
    requires(!std::is_convertible_v<const T&, const char*>)
  MessagePart(const T& value)
      : value_(&value), text_([](const void* x) { return to_text(*static_cast<const T*>(x)); }) {}
  [[nodiscard]] std::string text() const { return text_(value_); }

 private:
  const void* value_;
  std::string (*text_)(const void*);
};

[[nodiscard]] std::string joined(std::initializer_list<MessagePart> parts);

/// One function for each class of exception, and not for each list of types of parts: there are thousands of checks.
template <class E>
[[noreturn]] void fail_with(std::initializer_list<MessagePart> parts) {
  throw E(joined(parts));
}
}  // namespace detail

template <class E = Error, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  detail::fail_with<E>({detail::MessagePart(parts)...});
}

/// Throws E with the concatenated parts unless `ok`. Parts are turned into text only on failure.
template <class E = Error, class... Parts>
void check(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]]
    detail::fail_with<E>({detail::MessagePart(parts)...});
}

}  // namespace ditharos
