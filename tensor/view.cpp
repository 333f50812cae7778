#include <ditharos/tensor/view.h>

#include <algorithm>
#include <utility>

namespace ditharos::views {
namespace {
Tensor make(const Tensor& x, const Shape& shape, const Strides& strides, int64_t offset) {
  return Tensor(x.storage(), shape, strides, offset, x.dtype());
}

/// Strides of `shape` laid over x without a copy, or false.
bool view_strides(const Tensor& x, const Shape& shape, Strides& out) {
  out = contiguous_strides(shape);
  if (x.numel() == 0 || x.is_contiguous()) return true;
  // Merge x's axes, from the right, into runs of evenly spaced elements ...
  Shape size, step;
  for (int i = x.rank() - 1; i >= 0; --i) {
    const int last = size.rank() - 1;
    if (x.shape()[i] == 1) continue;
    if (last >= 0 && x.strides()[i] == step[last] * size[last]) size[last] *= x.shape()[i];
    else size.push_back(x.shape()[i]), step.push_back(x.strides()[i]);
  }
  // ... and cut each run into new axes; an axis cannot straddle two runs.
  int run = 0;
  int64_t taken = 1;
  for (int j = shape.rank() - 1; j >= 0; --j) {
    if (shape[j] == 1) continue;
    if (size[run] % (taken * shape[j]) != 0) return false;
    out[j] = step[run] * taken;
    taken *= shape[j];
    if (taken == size[run]) ++run, taken = 1;
  }
  return true;
}
}  // namespace

Tensor alias(const Tensor& x) { return make(x, x.shape(), x.strides(), x.offset()); }

Tensor permute(const Tensor& x, const Axes& order) {
  check<ShapeError>(order.rank() == x.rank(), "[permute] order ", order, " does not list every axis of shape ",
                    x.shape());
  Shape shape;
  Strides strides;
  bool seen[Shape::max_rank] = {};
  for (int64_t axis : order) {
    const int a = normalize_axis("permute", axis, x.rank());
    check<ShapeError>(!seen[a], "[permute] order ", order, " lists an axis twice");
    seen[a] = true;
    shape.push_back(x.shape()[a]);
    strides.push_back(x.strides()[a]);
  }
  return make(x, shape, strides, x.offset());
}

Tensor transpose(const Tensor& x, int axis0, int axis1) {
  Axes order;
  for (int i = 0; i < x.rank(); ++i) order.push_back(i);
  std::swap(order[axis0], order[axis1]);
  return permute(x, order);
}

Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end, int64_t step) {
  axis = normalize_axis("slice", axis, x.rank());
  const int64_t n = x.shape()[axis];
  if (begin < 0) begin += n;
  if (end < 0) end += n;
  check<ShapeError>(step >= 1, "[slice] the step must be at least 1, got ", step);
  check<ShapeError>(0 <= begin && begin <= end && end <= n, "[slice] range ", begin, ":", end, " does not fit axis ",
                    axis, " of shape ", x.shape());
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape[axis] = begin == end ? 0 : (end - begin - 1) / step + 1;
  if (shape[axis] > 1) strides[axis] *= step;  // the step is smaller than the axis then
  return make(x, shape, strides, x.offset() + begin * x.strides()[axis]);
}

Tensor expand(const Tensor& x, const Shape& shape) {
  check<ShapeError>(broadcastable_to(x.shape(), shape), "[expand] shape ", x.shape(), " does not stretch to ", shape);
  const int lead = shape.rank() - x.rank();
  Strides strides = Shape::filled(shape.rank(), 0);
  for (int i = 0; i < x.rank(); ++i)
    if (x.shape()[i] == shape[lead + i]) strides[lead + i] = x.strides()[i];
  return make(x, shape, strides, x.offset());
}

bool can_reshape(const Tensor& x, const Shape& shape) {
  Strides strides;
  return view_strides(x, shape, strides);
}

Tensor reshape(const Tensor& x, const Shape& shape) {
  Strides strides;
  check<ShapeError>(numel(shape) == x.numel() && view_strides(x, shape, strides), "[reshape] shape ", x.shape(),
                    " with strides ", x.strides(), " cannot be viewed as ", shape);
  return make(x, shape, strides, x.offset());
}

}  // namespace ditharos::views
