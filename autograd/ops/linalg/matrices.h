#pragma once
// Internal to autograd/ops/linalg/.
// Checks and views of matrices [..., m, n].
#include <ditharos/autograd/ops.h>

namespace ditharos::linalg {

inline Tensor transposed(const Tensor& x) { return transpose(x, -2, -1); }

/// DTypeError or ShapeError in the name of `op` unless a holds matrices of f32 or f64.
inline void check_matrix(const char* op, const Tensor& a) {
  check_floating(op, a.dtype());
  check<ShapeError>(a.rank() >= 2, "[", op, "] needs matrices, got shape ", a.shape());
}
/// The same for square ones.
inline void check_square(const char* op, const Tensor& a) {
  check_floating(op, a.dtype());
  check<ShapeError>(a.rank() >= 2 && a.size(-1) == a.size(-2), "[", op, "] needs square matrices, got shape ",
                    a.shape());
}

}  // namespace ditharos::linalg
