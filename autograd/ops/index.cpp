// Reading and adding by index. They are adjoint, so each is the gradient of the other. Indices are saved as inputs, so
// that a change between forward and backward is detected.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/index/index.h>

namespace ditharos {

namespace {
/// The adjoint along an axis: the slices of `values` added to the `size` slices that the indices [K] name.
Tensor add_slices(const Tensor& values, int axis, const Tensor& indices, int64_t size) {
  if (axis == 0) return index_add(values, indices, size);
  return record("index_add", kernels::index_add(values, axis, indices, size), {values, indices}, save_input(1),
                each([axis](const Backward& d) { return index_select(d.grad(), axis, d.input(1)); }),
                [&](const Tangents& d) { return add_slices(d[0], axis, indices, size); });
}
}  // namespace

Tensor index_select(const Tensor& table, const Tensor& indices) {
  return record("index_select", kernels::index_select(table, 0, indices), {table, indices}, save_input(1),
                each([](const Backward& d) { return index_add(d.grad(), d.input(1), d.input_shape(0)[0]); }),
                [&](const Tangents& d) { return index_select(d[0], indices); });
}

Tensor index_select(const Tensor& x, int axis, const Tensor& indices) {
  axis = normalize_axis("index_select", axis, x.rank());
  check<ShapeError>(indices.rank() == 1, "[index_select] along an axis the indices must have one axis, got shape ",
                    indices.shape());
  return record(
      "index_select", kernels::index_select(x, axis, indices), {x, indices}, save_input(1),
      each([axis](const Backward& d) { return add_slices(d.grad(), axis, d.input(1), d.input_shape(0)[axis]); }),
      [&](const Tangents& d) { return index_select(d[0], axis, indices); });
}

Tensor index_add(const Tensor& values, const Tensor& indices, int64_t rows) {
  return record("index_add", kernels::index_add(values, indices, rows), {values, indices}, save_input(1),
                each([](const Backward& d) { return index_select(d.grad(), d.input(1)); }),
                [&](const Tangents& d) { return index_add(d[0], indices, rows); });
}

Tensor gather(const Tensor& x, int axis, const Tensor& index) {
  axis = normalize_axis("gather", axis, x.rank());
  return record("gather", kernels::gather(x, axis, index), {x, index}, save_input(1),
                each([axis](const Backward& d) { return scatter_add(d.grad(), axis, d.input(1), d.input_shape(0)); }),
                [&](const Tangents& d) { return gather(d[0], axis, index); });
}

Tensor scatter_add(const Tensor& values, int axis, const Tensor& index, const Shape& shape) {
  axis = normalize_axis("scatter_add", axis, shape.rank());
  return record("scatter_add", kernels::scatter_add(values, axis, index, shape), {values, index}, save_input(1),
                each([axis](const Backward& d) { return gather(d.grad(), axis, d.input(1)); }),
                [&](const Tangents& d) { return scatter_add(d[0], axis, index, shape); });
}

}  // namespace ditharos
