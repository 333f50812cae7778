#pragma once
// Errors name the operation that the user called, also where it is made of others.
#include "tests/op_table/op_table.h"

namespace ditharos::tests {

/// Calls the row with operands of wrong shapes, dtypes and indices, one at a time; whatever is refused must be refused
/// in the row's name. Returns how many calls were refused.
int64_t check_messages(const Row& row);

}  // namespace ditharos::tests
