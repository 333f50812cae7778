#pragma once
// What a network predicts at a point x of a path, and the conversions between its kinds: all of them are linear in x
// and in the prediction.
#include <vector>

#include <ditharos/models/diffusion/path.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// With x = alpha data + sigma noise:
enum class PredictionKind {
  eps,       ///< the noise (Ho et al. 2020)
  x0,        ///< the data
  v,         ///< alpha noise - sigma data (Salimans and Ho 2022)
  velocity,  ///< alpha' data + sigma' noise, the derivative of x along the path (Lipman et al. 2023; Ma et al. 2024)
  score      ///< -noise / sigma, the gradient of log p_t at x (Song et al. 2021)
};
/// "eps", "x0", "v", "velocity" or "score".
[[nodiscard]] const char* name_of(PredictionKind kind);

/// A prediction of another kind is of_x x + of_prediction prediction.
struct ConversionCoefficients {
  double of_x, of_prediction;
};
/// The coefficients at one point. ConfigError where `from` does not determine `to`: eps and score say nothing of the
/// data where alpha is 0, data nothing of the noise where sigma is 0, and a velocity needs the derivatives of the path.
[[nodiscard]] ConversionCoefficients conversion(PredictionKind from, PredictionKind to, const PathPoint& point);

/// `prediction` of kind `from` at x, as a prediction of kind `to`; both [B, ...]. `points`: that of each sample, [B].
/// ConfigError as in conversion(), ShapeError when the shapes do not go together.
[[nodiscard]] Tensor convert(const Tensor& prediction, PredictionKind from, PredictionKind to, const Tensor& x,
                             const std::vector<PathPoint>& points);
/// The same where all samples are at one point.
[[nodiscard]] Tensor convert(const Tensor& prediction, PredictionKind from, PredictionKind to, const Tensor& x,
                             const PathPoint& point);

}  // namespace ditharos::models
