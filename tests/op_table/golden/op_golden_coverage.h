#pragma once
// The operations of the headers in autograd/ops/, for op_golden_table.h.
#include "tests/op_table/golden/op_golden_table.h"

namespace ditharos::tests {

std::map<std::string, GoldenOperation> golden_coverage();

}  // namespace ditharos::tests
