#pragma once
// Checks whether files can be written before the work begins. Existing files are not changed.
#include <string>

namespace ditharos::training {

/// IoError unless a file can be written at `path`: its folder is missing or not writable, or something that is no
/// regular file is in the way. An empty path stands for no output and passes.
void check_output_file(const std::string& path);
/// The same for files in a folder that may have to be created, with its parents.
void check_output_folder(const std::string& path);

}  // namespace ditharos::training
