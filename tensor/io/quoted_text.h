#pragma once
// Strings as text that TOML and JSON read back unchanged.
#include <string>
#include <string_view>

namespace ditharos {

/// True for well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view s);

/// `s` in double quotes, escaped so that it is a string of TOML and of JSON alike. Bytes that are not UTF-8, which
/// neither format can hold, become U+FFFD.
[[nodiscard]] std::string quote(std::string_view s);

}  // namespace ditharos
