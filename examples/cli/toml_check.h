#pragma once
// What the TOML library must not be given. Internal to settings_toml.cpp.
#include <string>

namespace ditharos::examples {

/// ConfigError "source:line:column: ..." for text that toml++ 3.3.0 does not survive: it reaches undefined behaviour at
/// a character beyond ASCII outside of quotes and comments (a quotation mark that follows a value quotes nothing),
/// where no key follows the bracket of a section, and at some malformed times, for which reason no time is let through.
/// All other mistakes are left to the library, which names them.
void check_toml(const std::string& text, const std::string& source);

}  // namespace ditharos::examples
