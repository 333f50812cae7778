#pragma once
// Rows and extremes of operations that are layers of networks, for op_table.cpp.
#include "tests/op_table/op_table.h"

namespace ditharos::tests {

Rows layer_rows();
void add_layer_extremes(Rows& rows);

}  // namespace ditharos::tests
