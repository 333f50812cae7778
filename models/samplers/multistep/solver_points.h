#pragma once
// The points of a path between which a multistep solver steps, and the network's times there.
#include <functional>
#include <vector>

#include <ditharos/models/diffusion/path.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// Half of the logarithm of the signal-to-noise ratio, the lambda of DPM-Solver and UniPC. -infinity where alpha is 0,
/// infinity where sigma is 0.
[[nodiscard]] double half_log_snr(const PathPoint& point);

/// ConfigError unless there are two points or more, all finite, and half_log_snr rises from each to the next.
void check_solver_points(const char* where, const std::vector<PathPoint>& points);
/// ShapeError unless `other` is like x.
void check_shape_of_x(const char* where, const char* what, const Tensor& other, const Tensor& x);

}  // namespace ditharos::models
