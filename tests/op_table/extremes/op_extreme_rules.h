#pragma once
// Fused rules and the composite ones that serve when a gradient is recorded must agree on every input.
#include "tests/op_table/op_table.h"

namespace ditharos::tests {

/// Puts each of a list of extreme numbers (zeros, denormal and huge ones, infinities, NaN) into each floating input of
/// the row's first case, in f32 and f64, and compares the gradients of the two kinds of rules: NaN, infinities and
/// signs of infinities at the same positions, and close numbers elsewhere; for norms and attention, finite numbers at
/// the same positions. Returns how many comparisons were made.
int64_t check_extreme_rules(const Row& row);

}  // namespace ditharos::tests
