#pragma once
// Classes on the command line and in the names of files.
#include <cstdint>
#include <string>
#include <vector>

namespace ditharos::examples {

/// The classes of the arguments of --classes, in this order. An argument is the name of one class, which may hold
/// commas, or a list of names and numbers. ConfigError, with a suggestion, for a name that is no class.
std::vector<int64_t> parse_classes(const std::vector<std::string>& texts, const std::vector<std::string>& names);

/// The name of a file for every image, FOLDER/class/0000.png: a folder that train_dit and evaluate can read. `classes`
/// holds each image's class, or "all". ConfigError when one of the files exists or its name is impossible.
std::vector<std::string> image_files(const std::string& folder, const std::vector<std::string>& classes);

}  // namespace ditharos::examples
