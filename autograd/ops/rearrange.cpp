// Operations that move and repeat elements beyond what a view can do.
#include <algorithm>
#include <memory>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/index/edge_padding.h>
#include <ditharos/tensor/view.h>

namespace ditharos {
namespace {

/// The sizes to add before and after each axis, or to cut off where they are negative. `pads` counts from the last
/// axis: {left, right, top, bottom, ...}.
struct Padding {
  Shape before, after;
  Padding(const Shape& shape, const std::vector<int64_t>& pads)
      : before(Shape::filled(shape.rank(), 0)), after(before) {
    check<ShapeError>(pads.size() % 2 == 0 && pads.size() <= 2 * size_t(shape.rank()), "[pad] ", pads.size(),
                      " sizes do not fit shape ", shape, ": two are needed for each axis, from the last one on");
    for (size_t i = 0; i < pads.size(); ++i) (i % 2 == 0 ? before : after)[shape.rank() - 1 - int(i / 2)] = pads[i];
    for (int i = 0; i < shape.rank(); ++i) {
      const int64_t first = std::min<int64_t>(before[i], 0), last = std::min<int64_t>(after[i], 0);
      check<ShapeError>(checked_sum("pad", {shape[i], first, last}) >= 0, "[pad] axis ", i, " of shape ", shape,
                        " is too short to lose ", -first, " and ", -last, " elements");
    }
  }

  /// The part of x that negative sizes leave.
  Tensor cut(Tensor x) const {
    for (int i = 0; i < x.rank(); ++i)
      if (before[i] < 0 || after[i] < 0)
        x = slice(x, i, std::max<int64_t>(-before[i], 0), x.size(i) + std::min<int64_t>(after[i], 0));
    return x;
  }
  /// Without the negative sizes.
  Padding growth() const {
    Padding grown = *this;
    for (int i = 0; i < before.rank(); ++i)
      grown.before[i] = std::max<int64_t>(before[i], 0), grown.after[i] = std::max<int64_t>(after[i], 0);
    return grown;
  }
};

Tensor pad_with_value(const Tensor& x, const Padding& padding, double value) {
  Shape shape = x.shape();
  for (int i = 0; i < x.rank(); ++i) shape[i] = checked_sum("pad", {shape[i], padding.before[i], padding.after[i]});
  const auto inside = [padding, inner = x.shape()](Tensor whole, const auto& cut) {
    for (int i = 0; i < inner.rank(); ++i) {
      const int64_t begin = padding.before[i], end = begin + inner[i];
      if (whole.size(i) != inner[i]) whole = cut(whole, i, begin, end, 1);
    }
    return whole;
  };
  const Tensor out = full(shape, value, x.dtype());
  kernels::copy_into(inside(out, views::slice), x);
  return record("pad", out, {x}, save_nothing, each([inside](const Backward& d) { return inside(d.grad(), slice); }),
                [&](const Tangents& d) { return pad_with_value(d[0], padding, 0); });
}

using SharedEdges = std::shared_ptr<const kernels::EdgePadding>;
Tensor fold_edges(const Tensor& padded, const SharedEdges& edges);

Tensor pad_edges(const Tensor& x, const SharedEdges& edges) {
  return record("pad", edges->pad(x), {x}, save_nothing,
                each([edges](const Backward& d) { return fold_edges(d.grad(), edges); }),
                [&](const Tangents& d) { return pad_edges(d[0], edges); });
}
/// The adjoint adds what padding repeats.
Tensor fold_edges(const Tensor& padded, const SharedEdges& edges) {
  return record("pad", edges->fold(padded), {padded}, save_nothing,
                each([edges](const Backward& d) { return pad_edges(d.grad(), edges); }),
                [&](const Tangents& d) { return fold_edges(d[0], edges); });
}

Tensor pad_from_edge(const Tensor& x, const Padding& padding, kernels::Edge edge) {
  using kernels::Edge;
  const int64_t edges = edge == Edge::reflect ? 1 : 0;  // elements that are not repeated
  Shape padded = x.shape();
  bool changes = false;
  for (int i = 0; i < x.rank(); ++i) {
    const int64_t before = padding.before[i], after = padding.after[i], size = x.size(i);
    if (before == 0 && after == 0) continue;
    const bool enough = edge == Edge::replicate || std::max(before, after) <= size - edges;
    check<ShapeError>(size > 0 && enough, "[pad] axis ", i, " of shape ", x.shape(), " is too short to be ",
                      edge == Edge::reflect ? "reflected" : "repeated", " by ", before, " and ", after);
    changes = true;
    padded[i] = checked_sum("pad", {size, before, after});
    static_cast<void>(numel(padded));  // ShapeError before memory is allocated for the indices
  }
  if (!changes) return x;
  return pad_edges(x, std::make_shared<const kernels::EdgePadding>(edge, x.shape(), padding.before, padding.after));
}

}  // namespace

Tensor pad(const Tensor& x, const std::vector<int64_t>& pads, PadMode mode, double value) {
  const Padding padding(x.shape(), pads);
  switch (mode) {
    case PadMode::reflect: return pad_from_edge(x, padding, kernels::Edge::reflect);
    case PadMode::replicate: return pad_from_edge(x, padding, kernels::Edge::replicate);
    case PadMode::circular:  // what is cut off does not come back at the other end
      return pad_from_edge(padding.cut(x), padding.growth(), kernels::Edge::circular);
    case PadMode::constant: break;
  }
  return pad_with_value(padding.cut(x), padding.growth(), value);
}

Tensor flip(const Tensor& x, const Axes& axes) {
  return record("flip", kernels::flip(x, axes), {x}, save_nothing,
                each([axes](const Backward& d) { return flip(d.grad(), axes); }),
                [&](const Tangents& d) { return flip(d[0], axes); });
}

Tensor roll(const Tensor& x, int64_t shift, int axis) {
  axis = normalize_axis("roll", axis, x.rank());
  const int64_t n = x.size(axis);
  if (n == 0) return x;
  const int64_t moved = (shift % n + n) % n;  // number of elements that move from the end to the front
  if (moved == 0) return x;
  return cat({slice(x, axis, n - moved, n), slice(x, axis, 0, n - moved)}, axis);
}

Tensor repeat(const Tensor& x, const Shape& counts) {
  check<ShapeError>(counts.rank() >= x.rank(), "[repeat] counts ", counts, " must be given for every axis of shape ",
                    x.shape());
  Tensor out = x;
  while (out.rank() < counts.rank()) out = unsqueeze(out, 0);
  for (int i = 0; i < counts.rank(); ++i) {
    check<ShapeError>(counts[i] >= 0, "[repeat] a count cannot be negative, got ", counts);
    Shape stacked = out.shape(), flat = out.shape();
    stacked.insert(i, counts[i]);
    flat[i] = checked_product("repeat", {flat[i], counts[i]});
    if (counts[i] != 1) out = reshape(expand(unsqueeze(out, i), stacked), flat);
  }
  return out;
}

Tensor narrow(const Tensor& x, int axis, int64_t begin, int64_t length) {
  axis = normalize_axis("narrow", axis, x.rank());
  check<ShapeError>(begin >= 0 && begin <= x.size(axis) && length >= 0 && length <= x.size(axis) - begin, "[narrow] ",
                    length, " elements from ", begin, " on do not fit axis ", axis, " of shape ", x.shape());
  return slice(x, axis, begin, begin + length);
}

std::vector<Tensor> split(const Tensor& x, int64_t size, int axis) {
  axis = normalize_axis("split", axis, x.rank());
  check<ShapeError>(size >= 1, "[split] the parts' size must be at least 1, got ", size);
  size = std::min(size, std::max<int64_t>(x.size(axis), 1));
  std::vector<Tensor> parts;
  for (int64_t begin = 0; begin < x.size(axis) || begin == 0; begin += size)
    parts.push_back(slice(x, axis, begin, std::min(begin + size, x.size(axis))));
  return parts;
}

std::vector<Tensor> split_with_sizes(const Tensor& x, const std::vector<int64_t>& sizes, int axis) {
  axis = normalize_axis("split_with_sizes", axis, x.rank());
  std::vector<Tensor> parts;
  int64_t begin = 0;
  for (int64_t size : sizes) {
    check<ShapeError>(size >= 0 && size <= x.size(axis) - begin, "[split_with_sizes] part ", parts.size(), " of size ",
                      size, " does not fit axis ", axis, " of shape ", x.shape(), " from ", begin, " on");
    parts.push_back(slice(x, axis, begin, begin + size));
    begin += size;
  }
  check<ShapeError>(begin == x.size(axis), "[split_with_sizes] the sizes add up to ", begin, ", axis ", axis,
                    " of shape ", x.shape(), " has ", x.size(axis));
  return parts;
}

}  // namespace ditharos
