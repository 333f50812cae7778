#include <ditharos/models/evaluation/symmetric_eigen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <ditharos/tensor/error.h>

namespace ditharos::models {

namespace {

struct Rotation {
  double c, s;
};

// The rotation in the plane (p, q) that makes a(p, q) zero, by the smaller of the two possible angles.
Rotation annihilating(const SquareMatrix& a, int64_t p, int64_t q) {
  const double tau = (a(q, q) - a(p, p)) / (2 * a(p, q));
  const double t = (tau >= 0 ? 1 : -1) / (std::abs(tau) + std::hypot(1.0, tau));
  const double c = 1 / std::hypot(1.0, t);
  return {c, t * c};
}

void rotate_columns(SquareMatrix& m, int64_t p, int64_t q, Rotation r) {
  for (int64_t i = 0; i < m.size; ++i) {
    const double x = m(i, p), y = m(i, q);
    m(i, p) = r.c * x - r.s * y;
    m(i, q) = r.s * x + r.c * y;
  }
}

void rotate_rows(SquareMatrix& m, int64_t p, int64_t q, Rotation r) {
  for (int64_t i = 0; i < m.size; ++i) {
    const double x = m(p, i), y = m(q, i);
    m(p, i) = r.c * x - r.s * y;
    m(q, i) = r.s * x + r.c * y;
  }
}

}  // namespace

SymmetricEigen symmetric_eigen(SquareMatrix a) {
  const int64_t n = a.size;
  double norm = 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i; j < n; ++j) {
      check(std::isfinite(a(i, j)), "[symmetric_eigen] the element at ", i, ", ", j, " is not finite");
      a(j, i) = a(i, j);
      norm = std::max(norm, std::abs(a(i, j)));
    }
  }
  SquareMatrix vectors(n);
  for (int64_t i = 0; i < n; ++i) vectors(i, i) = 1;

  // Convergence is quadratic: ten sweeps suffice. Elements below `negligible` do not change an eigenvalue's last digit.
  constexpr int most_sweeps = 60;
  const double negligible = norm * std::numeric_limits<double>::epsilon() / static_cast<double>(n);
  bool rotated = true;
  for (int sweep = 0; rotated; ++sweep) {
    check(sweep < most_sweeps, "[symmetric_eigen] no convergence for a matrix of size ", n);
    rotated = false;
    for (int64_t p = 0; p < n; ++p) {
      for (int64_t q = p + 1; q < n; ++q) {
        if (std::abs(a(p, q)) <= negligible) continue;
        const Rotation r = annihilating(a, p, q);
        rotate_columns(a, p, q, r);
        rotate_rows(a, p, q, r);
        a(p, q) = a(q, p) = 0;  // as it is but for rounding, which would bring it back above `negligible` for ever
        rotate_columns(vectors, p, q, r);
        rotated = true;
      }
    }
  }
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(a(i, i));
  return {std::move(values), std::move(vectors)};
}

SquareMatrix symmetric_sqrt(const SquareMatrix& a) {
  const SymmetricEigen eigen = symmetric_eigen(a);
  SquareMatrix scaled = eigen.vectors, transposed(a.size);  // V diag(sqrt(values)), V^T
  for (int64_t i = 0; i < a.size; ++i) {
    for (int64_t j = 0; j < a.size; ++j) {
      scaled(i, j) *= std::sqrt(std::max(eigen.values[static_cast<size_t>(j)], 0.0));
      transposed(i, j) = eigen.vectors(j, i);
    }
  }
  return product(scaled, transposed);
}

SquareMatrix product(const SquareMatrix& a, const SquareMatrix& b) {
  check<ShapeError>(a.size == b.size, "[product] matrices of sizes ", a.size, " and ", b.size);
  SquareMatrix c(a.size);
  for (int64_t i = 0; i < a.size; ++i) {
    for (int64_t k = 0; k < a.size; ++k) {
      for (int64_t j = 0; j < a.size; ++j) c(i, j) += a(i, k) * b(k, j);
    }
  }
  return c;
}

double trace(const SquareMatrix& a) {
  double sum = 0;
  for (int64_t i = 0; i < a.size; ++i) sum += a(i, i);
  return sum;
}

}  // namespace ditharos::models
