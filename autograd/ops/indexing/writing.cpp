// Writing by index: each element of the result is one of x or one of the source, which a kernel finds, so that `where`
// and `index_select` differentiate it.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/autograd/ops/indexing/parts.h>
#include <ditharos/tensor/kernels/index/index.h>

namespace ditharos {

Tensor part_for(const char* op, const Tensor& source, const Shape& index) {
  check<ShapeError>(source.rank() == index.rank(), "[", op, "] source of shape ", source.shape(),
                    " does not cover the index of shape ", index);
  Tensor part = source;
  for (int i = 0; i < index.rank(); ++i) {
    check<ShapeError>(index[i] <= source.size(i), "[", op, "] source of shape ", source.shape(),
                      " does not cover the index of shape ", index);
    if (index[i] < source.size(i)) part = slice(part, i, 0, index[i]);
  }
  return part;
}

Tensor for_each_slice(const char* op, const Tensor& indices, const Tensor& source, int axis) {
  check<ShapeError>(indices.rank() == 1, "[", op, "] the indices must have one axis, got shape ", indices.shape());
  check<ShapeError>(source.size(axis) == indices.numel(), "[", op, "] ", indices.numel(), " indices for axis ", axis,
                    " of a source of shape ", source.shape());
  Shape along = Shape::filled(source.rank(), 1);
  along[axis] = indices.numel();
  return expand(reshape(indices, along), source.shape());
}

void check_slices(const char* op, const Tensor& x, int axis, const Tensor& source) {
  check_one_dtype(op, "x", x, "the source", source);
  bool fits = source.rank() == x.rank();
  for (int i = 0; fits && i < x.rank(); ++i) fits = i == axis || source.size(i) == x.size(i);
  check<ShapeError>(fits, "[", op, "] source of shape ", source.shape(), " does not fit shape ", x.shape(),
                    " along axis ", axis);
}

namespace {

/// x where `writer` is -1, else the element of the flat source that it names.
Tensor written(const Tensor& x, const Tensor& writer, const Tensor& source) {
  const Tensor from_source = greater_equal(writer, 0);
  if (source.numel() == 0) return x;
  return where(from_source, index_select(reshape(source, {source.numel()}), clamp_min(writer, 0)), x);
}

}  // namespace

Tensor scatter(const Tensor& x, int axis, const Tensor& index, const Tensor& source) {
  axis = normalize_axis("scatter", axis, x.rank());
  check_one_dtype("scatter", "x", x, "the source", source);
  const Tensor part = part_for("scatter", source, index.shape());
  return written(x, kernels::last_writers("scatter", x.shape(), axis, index), part);
}

Tensor scatter(const Tensor& x, int axis, const Tensor& index, double value) {
  axis = normalize_axis("scatter", axis, x.rank());
  const Tensor writer = kernels::last_writers("scatter", x.shape(), axis, index);
  return where(greater_equal(writer, 0), number_like("scatter", value, x), x);
}

Tensor scatter_add(const Tensor& x, int axis, const Tensor& index, const Tensor& source) {
  axis = normalize_axis("scatter_add", axis, x.rank());
  check_one_dtype("scatter_add", "x", x, "the source", source);
  return x + scatter_add(part_for("scatter_add", source, index.shape()), axis, index, x.shape());
}

Tensor index_add(const Tensor& x, int axis, const Tensor& indices, const Tensor& source, double alpha) {
  axis = normalize_axis("index_add", axis, x.rank());
  check_slices("index_add", x, axis, source);
  check<ShapeError>(indices.rank() == 1 && source.size(axis) == indices.numel(), "[index_add] indices of shape ",
                    indices.shape(), " for axis ", axis, " of a source of shape ", source.shape());
  const Tensor rows = index_add(transpose(source, 0, axis), indices, x.size(axis));
  const Tensor added = transpose(rows, 0, axis);
  return x + (alpha == 1 ? added : added * alpha);
}

Tensor index_copy(const Tensor& x, int axis, const Tensor& indices, const Tensor& source) {
  axis = normalize_axis("index_copy", axis, x.rank());
  check_slices("index_copy", x, axis, source);
  const Tensor index = for_each_slice("index_copy", indices, source, axis);
  return written(x, kernels::last_writers("index_copy", x.shape(), axis, index), source);
}

Tensor index_fill(const Tensor& x, int axis, const Tensor& indices, double value) {
  axis = normalize_axis("index_fill", axis, x.rank());
  check<ShapeError>(indices.rank() == 1, "[index_fill] the indices must have one axis, got shape ", indices.shape());
  Shape along = Shape::filled(x.rank(), 1);
  along[axis] = x.size(axis);
  const Tensor hit = kernels::last_writers("index_fill", {x.size(axis)}, 0, indices);
  return where(reshape(greater_equal(hit, 0), along), number_like("index_fill", value, x), x);
}

Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& source) {
  check<DTypeError>(mask.dtype() == DType::boolean, "[masked_scatter] the mask must be bool, got ", mask.dtype());
  check_one_dtype("masked_scatter", "x", x, "the source", source);
  check<ShapeError>(broadcastable_to(mask.shape(), x.shape()), "[masked_scatter] a mask of shape ", mask.shape(),
                    " does not stretch to shape ", x.shape());
  const Tensor flags = expand(mask, x.shape());
  const Tensor rank = cumsum(reshape(to(flags, DType::i64), {x.numel()}), 0);
  const int64_t count = x.numel() == 0 ? 0 : int64_t(max(rank).item());
  check<ShapeError>(source.numel() >= count, "[masked_scatter] ", count,
                    " elements are to be replaced, the source of "
                    "shape ",
                    source.shape(), " has ", source.numel());
  return written(x, where(flags, reshape(rank, x.shape()) - 1.0, -1), source);
}

}  // namespace ditharos
