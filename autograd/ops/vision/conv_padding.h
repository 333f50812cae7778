#pragma once
// The padding of a convolution.
#include <cstddef>
#include <string_view>

#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/per_axis.h>

namespace ditharos {

/// Zeros at both ends of each spatial axis; or "valid", none; or "same", as many as give the result the size of the
/// input, where the stride is 1. An odd number of zeros has one more at the end.
class ConvPadding : public PerAxis {
 public:
  using PerAxis::PerAxis;
  ConvPadding(const PerAxis& padding) : PerAxis(padding) {}
  /// ConfigError for another word.
  template <std::size_t size>
  ConvPadding(const char (&word)[size]) : PerAxis(0), same_(std::string_view(word) == "same") {
    check<ConfigError>(same_ || std::string_view(word) == "valid",
                       "padding must be numbers, \"same\" or \"valid\", got \"", word, "\"");
  }

  bool same() const { return same_; }
  /// The number of zeros at both ends together, for each axis; kernel and dilation have a number for each. ShapeError
  /// for more than a size can be.
  Shape total(const char* op, const Shape& kernel, const Shape& dilation) const {
    const int axes = kernel.rank();
    Shape zeros = same_ ? Shape::filled(axes, 0) : resolve(op, "padding", axes);
    for (int i = 0; i < axes; ++i)
      zeros[i] = same_ ? checked_product(op, {dilation[i], kernel[i] - 1}) : checked_product(op, {2, zeros[i]});
    return zeros;
  }

 private:
  bool same_ = false;
};

}  // namespace ditharos
