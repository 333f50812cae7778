#include <ditharos/models/evaluation/frechet.h>

#include <algorithm>
#include <cmath>

#include <ditharos/tensor/error.h>

namespace ditharos::models {

FeatureStatistics feature_statistics(const Tensor& features) {
  check<ShapeError>(features.rank() == 2 && features.size(0) >= 2,
                    "[feature_statistics] needs features [N, D] with at least two rows, got ", features.shape());
  const int64_t count = features.size(0), dimension = features.size(1);
  const std::vector<double> rows = features.to_vector<double>();
  FeatureStatistics out{count, std::vector<double>(static_cast<size_t>(dimension)), SquareMatrix(dimension)};
  for (int64_t n = 0; n < count; ++n) {
    for (int64_t i = 0; i < dimension; ++i) {
      const double x = rows[static_cast<size_t>(n * dimension + i)];
      check(std::isfinite(x), "[feature_statistics] feature ", i, " of row ", n, " is not finite");
      out.mean[static_cast<size_t>(i)] += x / static_cast<double>(count);
    }
  }
  std::vector<double> centred(static_cast<size_t>(dimension));
  for (int64_t n = 0; n < count; ++n) {
    for (size_t i = 0; i < centred.size(); ++i) {
      centred[i] = rows[static_cast<size_t>(n * dimension) + i] - out.mean[i];
    }
    for (int64_t i = 0; i < dimension; ++i) {
      const double weight = centred[static_cast<size_t>(i)] / static_cast<double>(count - 1);
      for (int64_t j = 0; j < dimension; ++j) out.covariance(i, j) += weight * centred[static_cast<size_t>(j)];
    }
  }
  return out;
}

double frechet_distance(const FeatureStatistics& a, const FeatureStatistics& b) {
  check<ShapeError>(a.mean.size() == b.mean.size(), "[frechet_distance] features of dimension ", a.mean.size(), " and ",
                    b.mean.size());
  double distance = trace(a.covariance) + trace(b.covariance);
  for (size_t i = 0; i < a.mean.size(); ++i) distance += (a.mean[i] - b.mean[i]) * (a.mean[i] - b.mean[i]);
  // S1 S2 is not symmetric, but S1^(1/2) S2 S1^(1/2) is, and has the same eigenvalues.
  const SquareMatrix root = symmetric_sqrt(a.covariance);
  for (double value : symmetric_eigen(product(product(root, b.covariance), root)).values) {
    distance -= 2 * std::sqrt(std::max(value, 0.0));
  }
  return std::max(distance, 0.0);  // rounding may make it slightly negative for equal distributions
}

}  // namespace ditharos::models
