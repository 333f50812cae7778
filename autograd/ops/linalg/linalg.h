#pragma once
// Linear algebra, under PyTorch's names: products in namespace ditharos, torch.linalg in namespace ditharos::linalg.
//
// The functions of linalg:: take matrices [..., m, n] in f32 and f64; axes before the last two are a batch. They call
// LAPACK, which is optional when the library is built: without it they throw ConfigError. They throw Error for matrices
// that are not finite, and where a result does not exist (a singular matrix, one that is not positive definite). Every
// order of derivatives exists unless a comment says otherwise.
#include <cstdint>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

// --- products (products.cpp) ---
Tensor mm(const Tensor& a, const Tensor& b);   ///< [N, K] x [K, M]
Tensor bmm(const Tensor& a, const Tensor& b);  ///< [B, N, K] x [B, K, M]
Tensor mv(const Tensor& a, const Tensor& x);   ///< [N, K] x [K]
Tensor dot(const Tensor& a, const Tensor& b);  ///< of two vectors
/// beta x + alpha a b for matrices; x broadcasts, and is not read where beta is 0.
Tensor addmm(const Tensor& x, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);
Tensor baddbmm(const Tensor& x, const Tensor& a, const Tensor& b, double beta = 1, double alpha = 1);  ///< batches
Tensor tensordot(const Tensor& a, const Tensor& b, int axes = 2);  ///< over the last axes of a and the first of b
Tensor tensordot(const Tensor& a, const Tensor& b, const Axes& of_a, const Axes& of_b);
Tensor kron(const Tensor& a, const Tensor& b);                  ///< Kronecker product of tensors of one rank
Tensor cross(const Tensor& a, const Tensor& b, int axis = -1);  ///< of vectors of three elements along an axis

// --- distances and directions (products.cpp) ---
/// (sum |a_i - b_j|^p)^(1/p): a [..., N, D], b [..., M, D] -> [..., N, M].
Tensor cdist(const Tensor& a, const Tensor& b, double p = 2);
/// a b / max(|a| |b|, eps) along an axis.
Tensor cosine_similarity(const Tensor& a, const Tensor& b, int axis = 1, double eps = 1e-8);
Tensor normalize(const Tensor& x, double p = 2, int axis = 1, double eps = 1e-12);  ///< x / max(norm(x, p), eps)

namespace linalg {

// --- systems (solve.cpp) ---
/// X with A X = B; B [..., n, k], or [..., n] where it has one axis less than A. Batches broadcast.
Tensor solve(const Tensor& a, const Tensor& b);
/// The same for a triangular A, of which the other triangle is not read. `unitriangular`: its diagonal counts as ones.
Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool unitriangular = false);
Tensor inv(const Tensor& a);
Tensor pinv(const Tensor& a, double rtol = 0);  ///< Moore-Penrose inverse; rtol 0: max(m, n) eps of the largest S
/// X that minimises |A X - B|, for A of full column rank: a [..., m, n], m >= n, b [..., m, k].
Tensor lstsq(const Tensor& a, const Tensor& b);
Tensor matrix_power(const Tensor& a, int64_t n);  ///< negative n: of the inverse
Tensor det(const Tensor& a);
struct [[nodiscard]] SlogDet {
  Tensor sign, logabsdet;
};
SlogDet slogdet(const Tensor& a);  ///< the determinant is sign e^logabsdet

// --- factorisations (factorisation.cpp) ---
/// L, lower triangular, with L L^T = A. A is symmetric: its lower triangle is read, its gradient is symmetric.
Tensor cholesky(const Tensor& a);
struct [[nodiscard]] QR {
  Tensor Q, R;  ///< [..., m, k] and [..., k, n], k = min(m, n)
};
QR qr(const Tensor& a);  ///< reduced; its derivative needs linearly independent columns
struct [[nodiscard]] SVD {
  Tensor U, S, Vh;  ///< [..., m, k], [..., k] in decreasing order, [..., k, n]; k = min(m, n)
};
/// A = U diag(S) Vh, reduced. The derivatives of U and Vh need distinct singular values above 0. Both are unique up to
/// signs: the derivative of a function that depends on the signs has no meaning.
SVD svd(const Tensor& a);
Tensor svdvals(const Tensor& a);
struct [[nodiscard]] Eigh {
  Tensor L, Q;  ///< eigenvalues [..., n] in increasing order; eigenvectors are the columns of [..., n, n]
};
/// Of symmetric matrices: the lower triangle is read, the gradient is symmetric. For Q what svd() says of U.
Eigh eigh(const Tensor& a);
Tensor eigvalsh(const Tensor& a);

}  // namespace linalg
}  // namespace ditharos
