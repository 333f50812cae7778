#pragma once
// Numbers and strings as text that TOML and JSON read back unchanged.
#include <string>
#include <string_view>

namespace ditharos::examples {

/// The shortest decimal text that reads back as exactly `x`: "0.1", "4e-05", "1.0". Not finite: "nan", "inf", "-inf".
std::string shortest(double x);

/// True when every byte belongs to a well-formed UTF-8 sequence.
bool is_utf8(std::string_view s);

/// `s` in double quotes, escaped so that it is a string of TOML and of JSON alike. Bytes that are not UTF-8, which
/// neither format can hold, become U+FFFD.
std::string quote(std::string_view s);

}  // namespace ditharos::examples
