#pragma once
// Loops over the elements of several operands that share one shape but not their strides.
#include <initializer_list>

#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// The fewest loops that visit every element once: axes of size 1 are removed, axes through which all operands step
/// evenly are merged, and the innermost loop runs along the first operand's smallest stride (or along a long axis when
/// that one is very short). The order of visits is therefore not row-major.
struct LoopNest {
  static constexpr int max_operands = 4;

  Shape sizes;  ///< outermost first, at least one
  Strides strides[max_operands];
  int operands = 0;

  /// `strides`: one entry per operand, each of the rank of `shape`; the output comes first.
  LoopNest(const Shape& shape, std::initializer_list<Strides> strides);

  int64_t inner_size() const { return sizes.back(); }
  int64_t inner_stride(int operand) const { return strides[operand].back(); }
};

/// Strides with which x is read as if it had the shape `to`: 0 along broadcast axes. x must be broadcastable.
Strides broadcast_strides(const Tensor& x, const Shape& to);

/// Calls body(n, offsets) for pieces of the innermost loop, in parallel; `offsets` has one entry per operand. The
/// pieces cover every element once and may begin anywhere, so the result of an element must not depend on the piece.
void for_each_row(const LoopNest& nest, int64_t grain, FunctionRef<void(int64_t n, const int64_t* offsets)> body);

/// Least number of elements per thread in a cheap elementwise loop.
inline constexpr int64_t elementwise_grain = 32768;

}  // namespace ditharos::kernels
