// Operations that move elements without computing: views where the strides allow it.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/product_dtype.h>
#include <ditharos/tensor/view.h>

namespace ditharos {
namespace {

/// Fills in one size of -1.
Shape resolve(const Tensor& x, Shape shape) {
  const Shape asked = shape;
  int unknown = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] != -1) continue;
    check<ShapeError>(unknown < 0, "[reshape] only one size may be -1, got ", asked);
    unknown = i;
    shape[i] = 1;
  }
  const int64_t known = numel(shape);
  if (unknown >= 0) shape[unknown] = known > 0 && x.numel() % known == 0 ? x.numel() / known : 0;
  check<ShapeError>((unknown < 0 || known > 0) && numel(shape) == x.numel(), "[reshape] shape ", x.shape(), " has ",
                    x.numel(), " elements, which do not fit into ", asked);
  return shape;
}

/// Axes of the inverse permutation.
Axes inverse(const Axes& order) {
  Axes inv = order;
  for (int i = 0; i < order.rank(); ++i) inv[normalize_axis("permute", order[i], order.rank())] = i;
  return inv;
}

/// The adjoint of slice: zeros of `shape` with x at the position of the slice.
Tensor unslice(const Tensor& x, const Shape& shape, int axis, int64_t begin, int64_t end, int64_t step) {
  Tensor whole = zeros(shape, x.dtype());
  kernels::copy_into(views::slice(whole, axis, begin, end, step), x);
  return record("unslice", whole, {x}, save_nothing,
                each([=](const Backward& d) { return slice(d.grad(), axis, begin, end, step); }),
                [&](const Tangents& d) { return unslice(d[0], shape, axis, begin, end, step); });
}

/// The gradient of the whole; undefined when it was added to what the whole has already, so that the slices of a tensor
/// together cost as much as the tensor, and not each of them.
Tensor slice_gradient(const Backward& d, int axis, int64_t begin, int64_t end, int64_t step) {
  const Tensor so_far = d.pending(0);
  if (!so_far.defined() || so_far.dtype() != d.grad().dtype())
    return unslice(d.grad(), d.input_shape(0), axis, begin, end, step);
  kernels::accumulate(views::slice(so_far, axis, begin, end, step), d.grad());
  return {};
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& asked) {
  const Shape shape = resolve(x, asked);
  if (shape == x.shape()) return x;
  const Tensor base = views::can_reshape(x, shape) ? x : kernels::contiguous(x);
  return accept_rounded_gradient(
      record("reshape", views::reshape(base, shape), {x}, save_nothing,
             each([](const Backward& d) { return reshape(d.grad_for(0), d.input_shape(0)); }),
             [&](const Tangents& d) { return reshape(d[0], shape); }));
}

Tensor permute(const Tensor& x, const Axes& order) {
  return accept_rounded_gradient(
      record("permute", views::permute(x, order), {x}, save_nothing,
             each([order](const Backward& d) { return permute(d.grad_for(0), inverse(order)); }),
             [&](const Tangents& d) { return permute(d[0], order); }));
}

Tensor transpose(const Tensor& x, int axis0, int axis1) {
  Axes order;
  for (int i = 0; i < x.rank(); ++i) order.push_back(i);
  axis0 = normalize_axis("transpose", axis0, x.rank());
  axis1 = normalize_axis("transpose", axis1, x.rank());
  order[axis0] = axis1;
  order[axis1] = axis0;
  return permute(x, order);
}

Tensor expand(const Tensor& x, const Shape& shape) {
  if (shape == x.shape()) return x;
  // The gradient is summed back by the engine: this is broadcasting made visible.
  return record("expand", views::expand(x, shape), {x}, save_nothing, each([](const Backward& d) { return d.grad(); }),
                [&](const Tangents& d) { return expand(d[0], shape); });
}

Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end, int64_t step) {
  axis = normalize_axis("slice", axis, x.rank());
  return record("slice", views::slice(x, axis, begin, end, step), {x}, save_nothing,
                each([=](const Backward& d) { return slice_gradient(d, axis, begin, end, step); }),
                [&](const Tangents& d) { return slice(d[0], axis, begin, end, step); });
}

Tensor select(const Tensor& x, int axis, int64_t index) {
  axis = normalize_axis("select", axis, x.rank());
  const int64_t n = x.shape()[axis], i = index < 0 ? index + n : index;
  check<ShapeError>(i >= 0 && i < n, "[select] index ", index, " is out of range for axis ", axis, " of shape ",
                    x.shape());
  return squeeze(slice(x, axis, i, i + 1), axis);
}

Tensor unsqueeze(const Tensor& x, int axis) {
  Shape shape = x.shape();
  shape.insert(normalize_axis("unsqueeze", axis, x.rank() + 1), 1);
  return reshape(x, shape);
}

Tensor squeeze(const Tensor& x, int axis) {
  axis = normalize_axis("squeeze", axis, x.rank());
  check<ShapeError>(x.shape()[axis] == 1, "[squeeze] axis ", axis, " of shape ", x.shape(), " has not size 1");
  Shape shape = x.shape();
  shape.erase(axis);
  return reshape(x, shape);
}

Tensor cat(const std::vector<Tensor>& parts, int axis) {
  check<ShapeError>(!parts.empty(), "[cat] there is nothing to concatenate");
  axis = normalize_axis("cat", axis, parts[0].rank());
  const Tensor whole = kernels::cat(parts, axis);
  std::vector<int64_t> sizes;
  for (const Tensor& part : parts) sizes.push_back(part.size(axis));
  const auto gradients = [axis, sizes](const Backward& d) {
    Grads grads(sizes.size());
    int64_t begin = 0;
    for (size_t i = 0; i < grads.size(); ++i) {
      const int64_t end = begin + sizes[i];
      if (d.needs(i)) grads[i] = slice(d.grad(), axis, begin, end);
      begin = end;
    }
    return grads;
  };
  return record("cat", whole, parts, save_nothing, gradients, [&](const Tangents& d) {
    std::vector<Tensor> tangents;
    for (size_t i = 0; i < parts.size(); ++i) tangents.push_back(d[i].defined() ? d[i] : zeros_like(parts[i]));
    return cat(tangents, axis);
  });
}

std::vector<Tensor> chunk(const Tensor& x, int64_t parts, int axis) {
  axis = normalize_axis("chunk", axis, x.rank());
  check<ShapeError>(parts >= 1, "[chunk] the number of parts must be at least 1, got ", parts);
  const int64_t n = x.size(axis), size = (n - 1) / parts + 1;
  std::vector<Tensor> out;
  if (n == 0) return std::vector<Tensor>(size_t(parts), slice(x, axis, 0, 0));
  for (int64_t begin = 0; begin < n; begin += size) out.push_back(slice(x, axis, begin, std::min(begin + size, n)));
  return out;
}

Tensor stack(const std::vector<Tensor>& parts, int axis) {
  check<ShapeError>(!parts.empty(), "[stack] there is nothing to stack");
  axis = normalize_axis("stack", axis, parts[0].rank() + 1);
  std::vector<Tensor> rows;
  for (const Tensor& part : parts) {
    check<ShapeError>(part.shape() == parts[0].shape(), "[stack] all tensors need one shape, got ", parts[0].shape(),
                      " and ", part.shape());
    check<DTypeError>(part.dtype() == parts[0].dtype(), "[stack] all tensors need one dtype, got ", parts[0].dtype(),
                      " and ", part.dtype());
    rows.push_back(unsqueeze(part, axis));
  }
  return cat(rows, axis);
}

Tensor contiguous(const Tensor& x) {
  if (x.is_contiguous()) return x;
  return record("contiguous", kernels::contiguous(x), {x}, save_nothing,
                each([](const Backward& d) { return d.grad(); }), [](const Tangents& d) { return contiguous(d[0]); });
}

namespace {
/// How to convert x again in the backward pass, where that needs no memory: x takes less than the result, is a
/// parameter, or can be computed again itself. Else nothing.
std::function<Rematerialization()> converted_again(const Tensor& x, DType dtype) {
  const std::shared_ptr<Node> node = grad_enabled() ? node_of(x) : nullptr;
  if (!node) return nullptr;
  if (x.dtype() == DType::bf16 && dtype == DType::f32)
    return [x] {
      return Rematerialization({x}, [](const std::vector<Tensor>& in) { return kernels::to(in[0], DType::f32); });
    };
  if (dtype != DType::bf16) return nullptr;
  if (node->leaf.defined())
    return [x, dtype] {
      return Rematerialization({x}, [dtype](const std::vector<Tensor>& in) { return kernels::to(in[0], dtype); });
    };
  if (!node->recompute || node->shape != x.shape() || !node->recompute->makes(x)) return nullptr;
  return [how = node->recompute, dtype] {
    Rematerialization rounded(
        {}, [how, dtype](const std::vector<Tensor>& in) { return kernels::to(how->compute(in), dtype); });
    rounded.inputs = how->inputs;
    return rounded;
  };
}
}  // namespace

Tensor to(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  // Conversion to integers is piecewise constant: it has no gradient.
  if (!is_floating(dtype)) return not_differentiable("to", kernels::to(x, dtype), {x});
  const DType of_gradient = gradient_dtype(x.dtype());
  return record(
      "to", kernels::to(x, dtype), {x}, save_nothing,
      each([of_gradient](const Backward& d) { return to(d.grad(), of_gradient); }),
      [&](const Tangents& d) { return to(d[0], dtype); }, converted_again(x, dtype));
}

}  // namespace ditharos
