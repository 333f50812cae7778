#pragma once
// Internal to autograd/ops/indexing/.
// Indices that count from the end where they are negative.
#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// The indices in [0, size); DTypeError and ShapeError in the name of `op` unless they are i64 in [-size, size).
Tensor wrapped_indices(const char* op, const Tensor& indices, int64_t size);

}  // namespace ditharos
