#pragma once
// Linear systems and factorisations by LAPACK, for batches of matrices [..., m, n] in f32 and f64. ConfigError where
// the build has no LAPACK; Error where a matrix is not finite or does not have the factorisation. Messages are in the
// name of `op`. Each matrix is one call, so results do not depend on the number of threads.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

[[nodiscard]] bool has_lapack();

/// X with A X = B; a [..., n, n], b [..., n, k], the same batch.
Tensor solve(const char* op, const Tensor& a, const Tensor& b);
/// The same for a triangular A, of which the other triangle is not read, nor a diagonal of ones if `unit`.
Tensor solve_triangular(const char* op, const Tensor& a, const Tensor& b, bool upper, bool unit);
/// L, lower triangular, with L L^T = A; only the lower triangle of A is read.
Tensor cholesky(const char* op, const Tensor& a);

struct SignedLogDet {
  Tensor sign, log;  ///< [...]: the determinant is sign e^log; 0 has the logarithm minus infinity
};
SignedLogDet signed_log_det(const char* op, const Tensor& a);

struct Factors {
  Tensor first, second, third;
};
/// Q [..., m, n] and R [..., n, n] for m >= n.
Factors qr(const char* op, const Tensor& a);
/// U [..., m, k], S [..., k] in decreasing order, V^T [..., k, n] with k = min(m, n).
Factors svd(const char* op, const Tensor& a);
/// Eigenvalues [..., n] in increasing order and eigenvectors, the columns of [..., n, n], of a symmetric matrix; only
/// its lower triangle is read.
Factors eigh(const char* op, const Tensor& a);

}  // namespace ditharos::kernels
