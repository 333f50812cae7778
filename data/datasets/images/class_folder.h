#pragma once
// Names of folders that each hold the files of one class.
#include <string>

namespace ditharos::data {

/// The name of a class's folder: unique for every class and a valid name inside its parent folder. It is the class's
/// name with %XX (two upper-case hexadecimal digits) for control characters, slashes, backslashes, percent signs, a dot
/// at the beginning, and spaces at both ends: "T-shirt%2Ftop". "%empty", "%train" and "%test" stand for the empty name
/// and for the two names of a data set's splits.
[[nodiscard]] std::string folder_name_of(const std::string& class_name);
/// The inverse. A name that folder_name_of does not write stands for itself: "100%" and "a%20b" are classes of those
/// names.
[[nodiscard]] std::string class_name_of(const std::string& folder_name);

}  // namespace ditharos::data
