#pragma once
// Internal to autograd/.
// The page's own text, around the data.
#include <string>

namespace ditharos {

/// The page with `json` as its data, which must hold no "<".
std::string fill_template(const std::string& json);

/// The program in the page.
extern const char* const page_script;

}  // namespace ditharos
