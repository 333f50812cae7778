#pragma once
// Text from anywhere inside an HTML page.
#include <string>
#include <string_view>

namespace ditharos {

/// `text` with the special characters of HTML escaped, for the content of an element.
[[nodiscard]] std::string html_text(std::string_view text);
/// `text` as a JSON string that may stand inside a script element: `<`, `>` and `&` are written as `\u003c` and so on.
[[nodiscard]] std::string script_string(std::string_view text);

}  // namespace ditharos
