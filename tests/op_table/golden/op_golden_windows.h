#pragma once
// Pooling, padding, interpolation, sampling, windows and norms over several axes, for op_golden_table.h.
#include "tests/op_table/golden/op_golden_table.h"

namespace ditharos::tests {

std::map<std::string, GoldenOperation> golden_windows();

}  // namespace ditharos::tests
