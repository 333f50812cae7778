#include "tests/support/paths.h"

namespace ditharos::tests {

std::string source_folder() { return DITHAROS_SOURCE_DIR; }
std::string golden_folder() { return source_folder() + "/tests/golden"; }

}  // namespace ditharos::tests
