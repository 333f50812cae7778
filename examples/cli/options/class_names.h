#pragma once
// Classes on the command line and in the names of files.
#include <cstdint>
#include <string>
#include <vector>

namespace ditharos::examples {

/// The classes asked for behind --classes, in this order. A text is the name of one class, commas and all, or a list of
/// names and numbers. ConfigError, with the name that was probably meant, for what is no class.
std::vector<int64_t> parse_classes(const std::vector<std::string>& texts, const std::vector<std::string>& names);

/// A file for every image, FOLDER/class/0000.png: a folder that train_dit and evaluate can read. `classes` holds each
/// image's class, or "all". ConfigError when one of them exists, or cannot.
std::vector<std::string> image_files(const std::string& folder, const std::vector<std::string>& classes);

}  // namespace ditharos::examples
