#pragma once
// Internal to autograd/ops/.
// The shapes of sequences, images and volumes.
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/checked.h>

namespace ditharos {

/// "x [B, C, H, W]" for two axes.
inline const char* spatial_layout(int axes) {
  return axes == 1 ? "x [B, C, L]" : axes == 2 ? "x [B, C, H, W]" : "x [B, C, D, H, W]";
}

/// The sizes of the last `axes` axes.
inline Shape spatial_sizes(const Shape& shape, int axes) { return Shape(shape.end() - axes, shape.end()); }

/// The shape with other sizes of the last axes. ShapeError in the name of `op` if no tensor can have it.
inline Shape with_spatial_sizes(const char* op, Shape shape, const Shape& sizes) {
  int64_t elements = 1;
  for (int i = 0; i < sizes.rank(); ++i) shape[shape.rank() - sizes.rank() + i] = sizes[i];
  for (const int64_t size : shape) elements = checked_product(op, {elements, size});
  return shape;
}

/// ShapeError unless x has so many spatial axes, all with elements, and a size for each of at least 1 is wanted.
inline void check_resizable(const char* op, const Tensor& x, const Shape& size, bool without_batch) {
  const int axes = size.rank();
  check<ShapeError>(x.rank() == axes + 2 || (without_batch && x.rank() == axes + 1), "[", op, "] needs ",
                    spatial_layout(axes), ", got ", x.shape());
  for (const int64_t n : spatial_sizes(x.shape(), axes))
    check<ShapeError>(n >= 1, "[", op, "] x of shape ", x.shape(), " has an axis without elements");
  for (const int64_t n : size) check<ShapeError>(n >= 1, "[", op, "] needs sizes of at least 1, got ", size);
  // ShapeError before memory is allocated for tables.
  static_cast<void>(with_spatial_sizes(op, x.shape(), size));
  for (int i = 0; i < axes; ++i)
    static_cast<void>(checked_product(op, {checked_sum(op, {size[i], 1}), x.size(i - axes)}));
}

}  // namespace ditharos
