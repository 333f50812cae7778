#pragma once
// Where the tests find files of the repository. Only paths.cpp is compiled with the absolute paths: a compiler cache
// then serves every copy of the repository.
#include <string>

namespace ditharos::tests {

/// The repository.
std::string source_folder();
/// tests/golden
std::string golden_folder();

}  // namespace ditharos::tests
