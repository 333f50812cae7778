#pragma once
// Internal to autograd/ops/.
// The axes of a reduction, for reductions that are written for one axis.
#include <ditharos/autograd/ops.h>

namespace ditharos {

class ReducedAxes {
 public:
  /// `axes` empty: all. ShapeError in the name of `op` for an axis that is out of range or listed twice.
  ReducedAxes(const char* op, const Shape& shape, const Axes& axes);

  /// The reduced axis when there is exactly one, else -1.
  int only() const { return reduced_.rank() == 1 ? int(reduced_[0]) : -1; }
  /// x with the reduced axes merged into one, the last: [kept..., n].
  Tensor merged(const Tensor& x) const;
  /// The shape of the result: without the reduced axes, or with size 1 instead of them.
  Shape result_shape(bool keepdim) const;
  /// Number of elements that each result combines.
  int64_t count() const;

 private:
  Shape shape_;
  Axes kept_, reduced_;
};

}  // namespace ditharos
