#pragma once
// Names of folders that each hold the files of one class.
#include <string>

namespace ditharos::data {

/// The name of a class's own folder: one that lies inside its parent whatever the class is called, and another one for
/// every class. It is the class's name with %XX (two upper-case hexadecimal digits) for control characters, slashes,
/// backslashes, percent signs, a dot at the beginning, and spaces at both ends: "T-shirt%2Ftop". "%empty", "%train" and
/// "%test" stand for the empty name and for two names that would be taken for parts of a data set.
[[nodiscard]] std::string folder_name_of(const std::string& class_name);
/// The way back. A name that folder_name_of does not write stands for itself: "100%" and "a%20b" are classes of those
/// names.
[[nodiscard]] std::string class_name_of(const std::string& folder_name);

}  // namespace ditharos::data
