#pragma once
// Internal to optim/.
// A step length along a direction that satisfies the strong Wolfe conditions.
#include <cstdint>
#include <functional>

#include <ditharos/tensor/tensor.h>

namespace ditharos::optim {

/// A function at x + step * direction. A value that is not finite is infinity, and the slope is then not a number.
struct LinePoint {
  double step, value, slope;  ///< slope: the derivative along the direction
  Tensor grad;                ///< [N]
};

struct LineSearchResult {
  LinePoint point;
  int64_t evaluations;
};

/// Brackets and narrows down a step with sufficient decrease, value <= start.value + 1e-4 step start.slope, and small
/// slope, |slope| <= .9 |start.slope| (Nocedal and Wright 2006, algorithms 3.5 and 3.6, with PyTorch's constants). The
/// best step so far when `most_iterations` evaluations after the first find none, or when the bracket changes no
/// element by `tolerance`. `start` has step 0 and a negative slope; `first` > 0 is tried first; `direction_size` is the
/// largest magnitude of the direction's elements.
LineSearchResult strong_wolfe(const std::function<LinePoint(double step)>& at, const LinePoint& start, double first,
                              double direction_size, int64_t most_iterations = 25, double tolerance = 1e-9);

}  // namespace ditharos::optim
