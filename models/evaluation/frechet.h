#pragma once
// The Fréchet distance between two sets of features, such as those of generated and of real images (FID; Heusel et al.
// 2017, with the features of any network).
#include <vector>

#include <ditharos/models/evaluation/symmetric_eigen.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// The normal distribution with the mean and the covariance of a set of features.
struct FeatureStatistics {
  int64_t count = 0;           ///< number of features
  std::vector<double> mean;    ///< [D]
  SquareMatrix covariance{0};  ///< [D, D], unbiased (divides by count - 1)
};

/// Of features f32 [N, D], N >= 2, accumulated in double. Throws ShapeError, or Error when a feature is not finite.
[[nodiscard]] FeatureStatistics feature_statistics(const Tensor& features);

/// Squared Fréchet distance of two normal distributions (Dowson and Landau 1982):
///   |m1 - m2|^2 + tr(S1 + S2 - 2 (S1^(1/2) S2 S1^(1/2))^(1/2)).
/// It is 0 for equal distributions. Estimates from N features are too large by an amount of order 1/N: compare only
/// distances of equal counts. Throws ShapeError when the dimensions differ.
[[nodiscard]] double frechet_distance(const FeatureStatistics& a, const FeatureStatistics& b);

}  // namespace ditharos::models
