#pragma once
// What belongs to a folder that somebody else may have filled.
#include <string>

namespace ditharos::data {

/// IoError "cannot read PATH: ..." when `path`, with all symbolic links followed, does not lie inside `folder`, whose
/// own links count as followed too. A path that does not exist passes: opening it says so.
void check_inside(const std::string& folder, const std::string& path);

}  // namespace ditharos::data
