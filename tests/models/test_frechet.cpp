// The Fréchet distance and the eigenvalues that it needs, against closed forms.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <ditharos/models/evaluation/frechet.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/random.h>

using namespace ditharos;
using namespace ditharos::models;

namespace {

SquareMatrix matrix(int64_t size, std::vector<double> elements) {
  SquareMatrix m(size);
  m.elements = std::move(elements);
  return m;
}

// B B^T + shift I for a random B: symmetric, positive definite.
SquareMatrix random_covariance(int64_t size, uint64_t seed, double shift = 0.1) {
  const SquareMatrix b = matrix(size, Generator(seed).normal({size, size}, DType::f64).to_vector<double>());
  SquareMatrix out(size);
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t j = 0; j < size; ++j) {
      for (int64_t k = 0; k < size; ++k) out(i, j) += b(i, k) * b(j, k);
    }
    out(i, i) += shift;
  }
  return out;
}

double largest_difference(const SquareMatrix& a, const SquareMatrix& b) {
  double worst = 0;
  for (size_t i = 0; i < a.elements.size(); ++i) worst = std::max(worst, std::abs(a.elements[i] - b.elements[i]));
  return worst;
}

FeatureStatistics normal(std::vector<double> mean, SquareMatrix covariance) {
  return {100, std::move(mean), std::move(covariance)};
}

}  // namespace

TEST_CASE("symmetric_eigen: a 2 x 2 matrix with known eigenvalues") {
  SymmetricEigen eigen = symmetric_eigen(matrix(2, {2, 1, 1, 2}));
  std::sort(eigen.values.begin(), eigen.values.end());
  CHECK(eigen.values[0] == doctest::Approx(1).epsilon(1e-14));
  CHECK(eigen.values[1] == doctest::Approx(3).epsilon(1e-14));
}

TEST_CASE("symmetric_eigen: V diag(values) V^T gives the matrix back, and V is orthonormal") {
  for (int64_t n : {1, 2, 3, 17, 64}) {
    const SquareMatrix a = random_covariance(n, 7);
    const SymmetricEigen eigen = symmetric_eigen(a);
    SquareMatrix scaled = eigen.vectors, transposed(n), identity(n);
    for (int64_t i = 0; i < n; ++i) {
      identity(i, i) = 1;
      for (int64_t j = 0; j < n; ++j) {
        scaled(i, j) *= eigen.values[static_cast<size_t>(j)];
        transposed(j, i) = eigen.vectors(i, j);
      }
    }
    CHECK(largest_difference(product(scaled, transposed), a) < 1e-12 * static_cast<double>(n * n));
    CHECK(largest_difference(product(eigen.vectors, transposed), identity) < 1e-13 * static_cast<double>(n));
  }
}

TEST_CASE("symmetric_eigen: zeros, repeated eigenvalues, very different scales, no elements") {
  CHECK(symmetric_eigen(SquareMatrix(0)).values.empty());
  CHECK(symmetric_eigen(SquareMatrix(3)).values == std::vector<double>{0, 0, 0});
  const SymmetricEigen wide = symmetric_eigen(matrix(2, {1e300, 1e-300, 1e-300, 1e-300}));
  CHECK(wide.values[0] == doctest::Approx(1e300));
  // The matrix of ones has the eigenvalue n once and 0 otherwise.
  std::vector<double> values = symmetric_eigen(matrix(5, std::vector<double>(25, 1))).values;
  std::sort(values.begin(), values.end());
  CHECK(values[4] == doctest::Approx(5));
  for (int i = 0; i < 4; ++i) CHECK(std::abs(values[static_cast<size_t>(i)]) < 1e-14);
  CHECK_THROWS_AS(symmetric_eigen(matrix(1, {std::nan("")})), Error);
  CHECK_THROWS_AS(symmetric_eigen(matrix(2, {1, HUGE_VAL, 0, 1})), Error);
}

TEST_CASE("symmetric_sqrt: its square is the matrix") {
  const SquareMatrix a = random_covariance(20, 3), root = symmetric_sqrt(a);
  CHECK(largest_difference(product(root, root), a) < 1e-11);
  CHECK(symmetric_sqrt(matrix(1, {-1e-20}))(0, 0) == 0);  // what rounding made negative
}

TEST_CASE("frechet_distance: closed forms") {
  // One dimension: (m1 - m2)^2 + (s1 - s2)^2.
  CHECK(frechet_distance(normal({1}, matrix(1, {4})), normal({3}, matrix(1, {25}))) == doctest::Approx(4 + 9));
  // Two dimensions, matrices that do not commute: tr sqrt(A B) = sqrt(tr(A B) + 2 sqrt(det A det B)).
  const SquareMatrix a = matrix(2, {2, 0.5, 0.5, 1}), b = matrix(2, {1, -0.7, -0.7, 3});
  const double determinants = (2 * 1 - 0.25) * (3 - 0.49);
  const double cross = std::sqrt(trace(product(a, b)) + 2 * std::sqrt(determinants));
  CHECK(frechet_distance(normal({0, 0}, a), normal({0, 2}, b)) ==
        doctest::Approx(4 + 3 + 4 - 2 * cross).epsilon(1e-12));
}

TEST_CASE("frechet_distance: zero for equal ones, symmetric, and quadratic in a shift") {
  const SquareMatrix a = random_covariance(24, 1), b = random_covariance(24, 2);
  const std::vector<double> zero(24, 0), shifted(24, 0.5);
  CHECK(frechet_distance(normal(zero, a), normal(zero, a)) < 1e-9);
  const double forth = frechet_distance(normal(zero, a), normal(shifted, b));
  CHECK(frechet_distance(normal(shifted, b), normal(zero, a)) == doctest::Approx(forth).epsilon(1e-10));
  CHECK(forth == doctest::Approx(24 * 0.25 + frechet_distance(normal(zero, a), normal(zero, b))).epsilon(1e-10));
  CHECK(forth > 6);
  // Covariances without full rank, as few features give them.
  SquareMatrix flat(24);
  flat(3, 3) = 9;
  CHECK(frechet_distance(normal(zero, flat), normal(zero, SquareMatrix(24))) == doctest::Approx(9));
  CHECK_THROWS_AS(frechet_distance(normal({0}, SquareMatrix(1)), normal({0, 0}, SquareMatrix(2))), ShapeError);
}

TEST_CASE("feature_statistics: mean and unbiased covariance") {
  const FeatureStatistics s = feature_statistics(from_vector<float>({1, 10, 2, 30, 6, 20}, {3, 2}));
  CHECK(s.count == 3);
  CHECK(s.mean[0] == doctest::Approx(3));
  CHECK(s.mean[1] == doctest::Approx(20));
  CHECK(s.covariance(0, 0) == doctest::Approx(7));
  CHECK(s.covariance(1, 1) == doctest::Approx(100));
  CHECK(s.covariance(0, 1) == doctest::Approx(5));
  CHECK(s.covariance(1, 0) == doctest::Approx(5));
  CHECK_THROWS_AS(feature_statistics(zeros({1, 2})), ShapeError);
  CHECK_THROWS_AS(feature_statistics(zeros({4})), ShapeError);
  CHECK_THROWS_AS(feature_statistics(from_vector<float>({1, HUGE_VALF}, {2, 1})), Error);
}
