#include <ditharos/models/diffusion/prediction.h>

#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>

namespace ditharos::models {
namespace {

using Coefficients = ConversionCoefficients;

Coefficients combine(double a, const Coefficients& first, double b, const Coefficients& second) {
  return {a * first.of_x + b * second.of_x, a * first.of_prediction + b * second.of_prediction};
}

/// The data as a combination of x and the prediction.
Coefficients data_from(PredictionKind from, const PathPoint& p) {
  switch (from) {
    case PredictionKind::x0: return {0, 1};
    case PredictionKind::eps: return {1 / p.alpha, -p.sigma / p.alpha};
    case PredictionKind::score: return {1 / p.alpha, p.sigma * p.sigma / p.alpha};
    case PredictionKind::v: {
      const double square = p.alpha * p.alpha + p.sigma * p.sigma;  // 1 unless the path is linear
      return {p.alpha / square, -p.sigma / square};
    }
    case PredictionKind::velocity: break;
  }
  const double determinant = p.alpha * p.d_sigma - p.sigma * p.d_alpha;
  return {p.d_sigma / determinant, -p.sigma / determinant};
}

/// The noise as a combination of x and the prediction.
Coefficients noise_from(PredictionKind from, const PathPoint& p) {
  switch (from) {
    case PredictionKind::x0: return {1 / p.sigma, -p.alpha / p.sigma};
    case PredictionKind::eps: return {0, 1};
    case PredictionKind::score: return {0, -p.sigma};
    case PredictionKind::v: {
      const double square = p.alpha * p.alpha + p.sigma * p.sigma;
      return {p.sigma / square, p.alpha / square};
    }
    case PredictionKind::velocity: break;
  }
  const double determinant = p.alpha * p.d_sigma - p.sigma * p.d_alpha;
  return {-p.d_alpha / determinant, p.alpha / determinant};
}

Coefficients coefficients(PredictionKind from, PredictionKind to, const PathPoint& p) {
  switch (to) {
    case PredictionKind::x0: return data_from(from, p);
    case PredictionKind::eps: return noise_from(from, p);
    case PredictionKind::v: return combine(p.alpha, noise_from(from, p), -p.sigma, data_from(from, p));
    case PredictionKind::velocity: return combine(p.d_alpha, data_from(from, p), p.d_sigma, noise_from(from, p));
    case PredictionKind::score: break;
  }
  const Coefficients noise = noise_from(from, p);
  return {-noise.of_x / p.sigma, -noise.of_prediction / p.sigma};
}

void check_shapes(const Tensor& prediction, const Tensor& x) {
  check<ShapeError>(prediction.shape() == x.shape(), "[convert] a prediction of shape ", prediction.shape(),
                    " does not fit x of shape ", x.shape());
}

}  // namespace

const char* name_of(PredictionKind kind) {
  constexpr const char* names[] = {"eps", "x0", "v", "velocity", "score"};
  return names[static_cast<int>(kind)];
}

Coefficients conversion(PredictionKind from, PredictionKind to, const PathPoint& point) {
  if (from == to) return {0, 1};
  const Coefficients c = coefficients(from, to, point);
  const bool velocity = from == PredictionKind::velocity || to == PredictionKind::velocity;
  check<ConfigError>(!velocity || !(std::isnan(point.d_alpha) || std::isnan(point.d_sigma)),
                     "[convert] a velocity needs a path in continuous time; a process in discrete steps has eps, x0, "
                     "v and score");
  check<ConfigError>(std::isfinite(c.of_x) && std::isfinite(c.of_prediction), "[convert] ", name_of(from),
                     " does not determine ", name_of(to), " where alpha is ", point.alpha, " and sigma ", point.sigma,
                     ": stay inside of the path, or predict ", point.alpha == 0 ? "x0 or v" : "velocity or v");
  return c;
}

Tensor convert(const Tensor& prediction, PredictionKind from, PredictionKind to, const Tensor& x,
               const std::vector<PathPoint>& points) {
  check_shapes(prediction, x);
  check<ShapeError>(x.rank() >= 1 && x.size(0) == static_cast<int64_t>(points.size()), "[convert] ", points.size(),
                    " points do not fit x of shape ", x.shape());
  if (from == to) return prediction;
  std::vector<double> of_x, of_prediction;
  bool any_x = false;
  for (const PathPoint& point : points) {
    const Coefficients c = conversion(from, to, point);
    of_x.push_back(c.of_x);
    of_prediction.push_back(c.of_prediction);
    any_x |= c.of_x != 0;
  }
  const Tensor scaled = per_sample(of_prediction, x) * prediction;
  return any_x ? per_sample(of_x, x) * x + scaled : scaled;
}

Tensor convert(const Tensor& prediction, PredictionKind from, PredictionKind to, const Tensor& x,
               const PathPoint& point) {
  check_shapes(prediction, x);
  if (from == to) return prediction;
  const Coefficients c = conversion(from, to, point);
  return c.of_x == 0 ? prediction * c.of_prediction : x * c.of_x + prediction * c.of_prediction;
}

}  // namespace ditharos::models
