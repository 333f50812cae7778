#pragma once
// The losses of autograd/ops/losses/ and the options of attention, for op_golden_table.h.
#include "tests/op_table/golden/op_golden_table.h"

namespace ditharos::tests {

std::map<std::string, GoldenOperation> golden_losses();

}  // namespace ditharos::tests
