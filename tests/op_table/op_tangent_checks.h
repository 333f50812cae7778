#pragma once
// Forward mode against reverse mode, for every row of the op table.
#include "tests/op_table/op_table.h"

namespace ditharos::tests {

/// For a random direction v and a random cotangent w, in f64: <w, J v> of the tangent rules, those with kernels and
/// those that are recorded, is <J^T w, v> of the backward rules; with tangents of each input alone too; and the product
/// of the second derivatives with v is the same by forward over reverse, reverse over forward and reverse over reverse.
/// Failures go to doctest. Returns how many comparisons were made.
int64_t check_tangents(const Row& row);

}  // namespace ditharos::tests
