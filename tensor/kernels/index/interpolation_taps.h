#pragma once
// The weights of interpolation along one axis, with PyTorch's coordinates.
#include <optional>

#include <ditharos/tensor/kernels/index/resample.h>

namespace ditharos::kernels {

/// Element o of `outputs` lies at (o + 1/2) step - 1/2 among `inputs` elements, which are seen as intervals, or with
/// aligned corners at o (inputs - 1) / (outputs - 1).
struct ResizedAxis {
  int64_t inputs, outputs;
  std::optional<double> step = {};  ///< inputs / outputs without a value
  bool align_corners = false;

  /// Inputs per output.
  double ratio() const;
  /// The position of output o; a whole number but for rounding is that number.
  double position(int64_t o) const;
};

/// The element at floor(o step), or with `exact` at floor((o + 1/2) step).
Taps nearest_taps(const ResizedAxis& axis, bool exact);
/// The two elements around the position; the outermost ones beyond the edges.
Taps linear_taps(const ResizedAxis& axis);
/// Four elements, by cubic convolution with a = -3/4 (Keys 1981); the outermost ones beyond the edges.
Taps cubic_taps(const ResizedAxis& axis);
/// Linear or cubic (a = -1/2) weights that are stretched by the step where it is above 1 and add up to 1, so that a
/// smaller image has no aliasing. As in PyTorch, aligned corners change the step alone: output o is at
/// (o + 1/2) (inputs - 1) / (outputs - 1) among intervals.
Taps antialiased_taps(const ResizedAxis& axis, bool cubic);

}  // namespace ditharos::kernels
