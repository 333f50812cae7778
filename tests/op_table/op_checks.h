#pragma once
// What the op table checks for every row.
#include "tests/op_table/op_table.h"

namespace ditharos::tests {

/// Runs every check of a row; failures go to doctest, with the row, the shapes and the layouts. Returns how many
/// comparisons were made.
int64_t check_row(const Row& row);

/// Runs the row's first case with inputs that need gradients, forward and backward twice, so that every operation it
/// can record is recorded.
void exercise(const Row& row);

}  // namespace ditharos::tests
