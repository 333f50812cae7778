#include <ditharos/autograd/ops/layout/layout.h>

#include <algorithm>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos {

Tensor clone(const Tensor& x) {
  return record("clone", kernels::to(x, x.dtype()), {x}, save_nothing, each([](const Backward& d) { return d.grad(); }),
                [](const Tangents& d) { return clone(d[0]); });
}

Tensor flatten(const Tensor& x, int first, int last) {
  if (x.rank() == 0) return reshape(x, {1});
  first = normalize_axis("flatten", first, x.rank());
  last = normalize_axis("flatten", last, x.rank());
  check<ShapeError>(first <= last, "[flatten] the first axis ", first, " comes after the last one, ", last);
  Shape shape;
  for (int i = 0; i < x.rank(); ++i)
    if (i <= first || i > last) shape.push_back(x.shape()[i]);
    else shape[first] *= x.shape()[i];
  return reshape(x, shape);
}

Tensor unflatten(const Tensor& x, int axis, const Shape& parts) {
  axis = normalize_axis("unflatten", axis, x.rank());
  int64_t known = 1, unknown = 0;
  for (int64_t size : parts) {
    check<ShapeError>(size >= -1, "[unflatten] a size cannot be negative, got ", parts);
    if (size == -1) ++unknown;
    else known = checked_product("unflatten", {known, size});
  }
  const int64_t n = x.shape()[axis];
  const bool fits = unknown == 0 ? known == n : unknown == 1 && known > 0 && n % known == 0;
  check<ShapeError>(fits && !parts.empty(), "[unflatten] axis ", axis, " of shape ", x.shape(),
                    " does not divide into ", parts);
  Shape shape(x.shape().begin(), x.shape().begin() + axis);
  for (int64_t size : parts) shape.push_back(size == -1 ? n / known : size);
  for (int i = axis + 1; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  return reshape(x, shape);
}

Tensor movedim(const Tensor& x, const Axes& from, const Axes& to) {
  check<ShapeError>(from.rank() == to.rank(), "[movedim] ", from.rank(), " axes cannot move to ", to.rank(),
                    " positions");
  Axes order = Shape::filled(x.rank(), -1);
  bool moved[Shape::max_rank] = {};
  for (int k = 0; k < from.rank(); ++k) {
    const int source = normalize_axis("movedim", from[k], x.rank());
    const int target = normalize_axis("movedim", to[k], x.rank());
    check<ShapeError>(!moved[source] && order[target] < 0, "[movedim] axes ", from, " to ", to, " list an axis twice");
    moved[source] = true;
    order[target] = source;
  }
  int next = 0;
  for (int i = 0; i < x.rank(); ++i) {
    if (order[i] >= 0) continue;
    while (moved[next]) ++next;
    order[i] = next++;
  }
  return permute(x, order);
}
Tensor movedim(const Tensor& x, int from, int to) { return movedim(x, Axes{from}, Axes{to}); }

std::vector<Tensor> unbind(const Tensor& x, int axis) {
  axis = normalize_axis("unbind", axis, x.rank());
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < x.size(axis); ++i) parts.push_back(select(x, axis, i));
  return parts;
}

Tensor squeeze(const Tensor& x) {
  Shape shape;
  for (int64_t size : x.shape())
    if (size != 1) shape.push_back(size);
  return reshape(x, shape);
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  check<ShapeError>(broadcastable_to(x.shape(), shape), "[broadcast_to] shape ", x.shape(), " does not stretch to ",
                    shape);
  return expand(x, shape);
}

std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& parts) {
  Shape shape;
  for (const Tensor& part : parts) shape = broadcast_shapes("broadcast_tensors", shape, part.shape());
  std::vector<Tensor> out;
  for (const Tensor& part : parts) out.push_back(expand(part, shape));
  return out;
}

Tensor rot90(const Tensor& x, int64_t turns, int axis0, int axis1) {
  axis0 = normalize_axis("rot90", axis0, x.rank());
  axis1 = normalize_axis("rot90", axis1, x.rank());
  check<ShapeError>(axis0 != axis1, "[rot90] needs two different axes, got ", axis0, " twice");
  switch ((turns % 4 + 4) % 4) {
    case 1: return transpose(flip(x, {axis1}), axis0, axis1);
    case 2: return flip(x, {axis0, axis1});
    case 3: return flip(transpose(x, axis0, axis1), {axis1});
    default: return clone(x);
  }
}

namespace {
/// One dtype, and one shape but for the axis along which the parts are put together.
void check_parts(const char* op, const std::vector<Tensor>& parts, int axis) {
  check<ShapeError>(!parts.empty(), "[", op, "] there is nothing to stack");
  for (const Tensor& part : parts) {
    check<DTypeError>(part.dtype() == parts[0].dtype(), "[", op, "] all tensors need one dtype, got ", parts[0].dtype(),
                      " and ", part.dtype());
    Shape expected = parts[0].shape();
    if (part.rank() == expected.rank() && axis < expected.rank()) expected[axis] = part.shape()[axis];
    check<ShapeError>(part.shape() == expected, "[", op, "] shapes ", parts[0].shape(), " and ", part.shape(),
                      " differ in more than axis ", axis);
  }
}
}  // namespace

Tensor hstack(const std::vector<Tensor>& parts) {
  std::vector<Tensor> rows;
  for (const Tensor& part : parts) rows.push_back(part.rank() == 0 ? reshape(part, {1}) : part);
  const int axis = !rows.empty() && rows[0].rank() > 1 ? 1 : 0;
  check_parts("hstack", rows, axis);
  return cat(rows, axis);
}

Tensor vstack(const std::vector<Tensor>& parts) {
  std::vector<Tensor> rows;
  for (const Tensor& part : parts) rows.push_back(part.rank() < 2 ? reshape(part, {1, part.numel()}) : part);
  check_parts("vstack", rows, 0);
  return cat(rows, 0);
}

}  // namespace ditharos
