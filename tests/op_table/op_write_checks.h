#pragma once
// What the op table checks about writes between the forward and the backward pass.
#include "tests/op_table/op_table.h"

namespace ditharos::tests {

/// Runs the row's first case and, in turn, writes to each input, to each tensor that the row made for itself, to the
/// output and to everything that the operation handed to `record` on the way: before the first backward pass, between
/// the first and the second, and to the output before and after another operation used it. Each gradient must then be
/// the right one to the bit, or an AutogradError must name an operation of the graph. Returns how many writes were
/// made.
int64_t check_writes(const Row& row);

}  // namespace ditharos::tests
