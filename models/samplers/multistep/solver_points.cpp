#include <ditharos/models/samplers/multistep/solver_points.h>

#include <cmath>

#include <ditharos/tensor/error.h>

namespace ditharos::models {

double half_log_snr(const PathPoint& point) { return std::log(point.alpha) - std::log(point.sigma); }

void check_solver_points(const char* where, const std::vector<PathPoint>& points) {
  check<ConfigError>(points.size() >= 2, "[", where, "] needs two points or more, got ", points.size());
  for (size_t i = 0; i < points.size(); ++i) {
    const PathPoint& p = points[i];
    check<ConfigError>(
        std::isfinite(p.alpha) && std::isfinite(p.sigma) && p.alpha >= 0 && p.sigma >= 0 && p.alpha + p.sigma > 0, "[",
        where, "] alpha and sigma must be 0 or more and not both 0, got ", p.alpha, " and ", p.sigma, " at point ", i);
    check<ConfigError>(i == 0 || half_log_snr(p) > half_log_snr(points[i - 1]), "[", where, "] the points must lead ",
                       "from noise to data; the signal-to-noise ratio does not rise from point ", i - 1, " to ", i);
  }
}

void check_shape_of_x(const char* where, const char* what, const Tensor& other, const Tensor& x) {
  check<ShapeError>(other.defined() && other.shape() == x.shape(), "[", where, "] ", what,
                    " must have the shape of x, ", x.shape(), ", got ",
                    other.defined() ? to_text(other.shape()) : "none");
}

}  // namespace ditharos::models
