#pragma once
// A number for each spatial axis of a window.
#include <initializer_list>

#include <ditharos/tensor/shape.h>

namespace ditharos {

/// One number for all spatial axes, or one for each: conv2d(x, w, b, 2) and conv2d(x, w, b, {2, 1}).
class PerAxis {
 public:
  PerAxis(int64_t value) : values_{value} {}
  PerAxis(std::initializer_list<int64_t> values) : values_(values) {}

  /// One entry for each of `axes` axes. ShapeError with `op` if it has neither 1 nor `axes` numbers.
  Shape resolve(const char* op, const char* what, int axes) const {
    if (values_.rank() == 1) return Shape::filled(axes, values_[0]);
    check<ShapeError>(values_.rank() == axes, "[", op, "] ", what, " needs 1 or ", axes, " numbers, got ", values_);
    return values_;
  }
  /// Whether it is this one number.
  bool is(int64_t value) const { return values_ == Shape{value}; }

 private:
  Shape values_;
};

}  // namespace ditharos
