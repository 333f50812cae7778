#pragma once
// Reads the source tree as text and finds what breaks the rules of the house: who may include whom, where oneDNN,
// OpenMP and the like may appear, how long files are. docs/architecture.md gives the reasons.
#include <filesystem>
#include <string>
#include <vector>

namespace ditharos::tests {

/// The text with every comment blanked, and every string literal too unless `keep_strings`. Lines keep their positions.
std::string without_comments(const std::string& text, bool keep_strings);

/// The offences in one file, "autograd/engine.cpp:12: ...". `path`, relative to the root, decides which rules apply.
std::vector<std::string> check_file(const std::string& path, const std::string& text);

/// The offences of all sources below `root`: those of each file, includes of headers whose second line reads
/// "// Internal to FOLDER/." from outside of FOLDER, sources without a header of their name, folders of more than 30
/// sources, and entries of the umbrella header that do not exist or are not for users.
/// Throws IoError if a file cannot be read.
std::vector<std::string> check_tree(const std::filesystem::path& root);

}  // namespace ditharos::tests
