#pragma once
// Internal to autograd/inspect/.
// The page's own text, around the data.
#include <string>

namespace ditharos {

/// The page with `json` as its data, which must hold no "<".
std::string fill_template(const std::string& json);

}  // namespace ditharos
