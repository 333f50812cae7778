#pragma once
// Eigenvalues of small symmetric matrices, in double.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ditharos::models {

/// A square matrix, row-major.
struct SquareMatrix {
  int64_t size = 0;
  std::vector<double> elements;  // [size, size]

  explicit SquareMatrix(int64_t n) : size(n), elements(static_cast<size_t>(n * n)) {}
  double& operator()(int64_t row, int64_t column) { return elements[static_cast<size_t>(row * size + column)]; }
  double operator()(int64_t row, int64_t column) const { return elements[static_cast<size_t>(row * size + column)]; }
};

struct SymmetricEigen {
  std::vector<double> values;
  SquareMatrix vectors;  ///< column i belongs to value i; the columns are orthonormal
};

/// A = V diag(values) V^T by cyclic Jacobi rotations (Golub and Van Loan, "Matrix Computations", 8.5), O(n^3) per sweep
/// and accurate to the last digits. Reads the upper triangle. Throws Error when an element is not finite.
[[nodiscard]] SymmetricEigen symmetric_eigen(SquareMatrix a);

/// The symmetric square root of a positive semidefinite matrix; eigenvalues that rounding made negative count as 0.
[[nodiscard]] SquareMatrix symmetric_sqrt(const SquareMatrix& a);

[[nodiscard]] SquareMatrix product(const SquareMatrix& a, const SquareMatrix& b);
[[nodiscard]] double trace(const SquareMatrix& a);

}  // namespace ditharos::models
