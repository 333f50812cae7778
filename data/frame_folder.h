#pragma once
// Names of pictures in a directory that are frames of one clip.
#include <string>
#include <vector>

namespace ditharos::data {

/// Compares names in which numbers count by their value: "f2" before "f10". Names that differ in leading zeros alone
/// are ordered by their bytes.
bool natural_less(const std::string& a, const std::string& b);

/// True when the name ends with `ending`, in any case of ASCII letters.
bool has_ending(const std::string& name, const std::string& ending);

/// The PNG files of a directory that are no hidden ones, in natural order. IoError when it cannot be listed.
std::vector<std::string> frame_names(const std::string& directory);

}  // namespace ditharos::data
