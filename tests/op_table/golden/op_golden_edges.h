#pragma once
// The entries of tests/golden/op_golden_edges.py, as they are computed here.
#include "tests/op_table/golden/op_golden_table.h"

namespace ditharos::tests {

std::map<std::string, GoldenOperation> golden_edges();

}  // namespace ditharos::tests
