#pragma once
// Rejects text on which the TOML library has undefined behaviour. Called before any text is parsed.
#include <string>

namespace ditharos::pipelines {

/// ConfigError "source:line:column: ..." for text on which toml++ 3.3.0 has undefined behaviour: a character beyond
/// ASCII outside of quotes and comments (a quotation mark that follows a value does not begin a string), a bracket of a
/// section without a key behind it, and some malformed times. All times are refused for this reason. Other mistakes are
/// reported by the library.
void check_toml(const std::string& text, const std::string& source);

}  // namespace ditharos::pipelines
