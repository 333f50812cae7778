#pragma once
// Checks that paths lie inside a folder of untrusted contents.
#include <string>

namespace ditharos::data {

/// IoError "cannot read PATH: ..." when `path`, with all symbolic links resolved, does not lie inside `folder`,
/// resolved likewise. A path that does not exist passes: opening it fails with a better message.
void check_inside(const std::string& folder, const std::string& path);

}  // namespace ditharos::data
