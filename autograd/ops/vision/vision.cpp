#include <ditharos/autograd/ops/vision/vision.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/autograd/ops/detail/spatial.h>

namespace ditharos {
namespace {

/// One of the elements that are read along an axis of n elements at each position.
struct Reading {
  Tensor index;   // [B, ...], i64, 0 where it is not inside
  Tensor inside;  // [B, ...], whether the axis has such an element
  Tensor weight;  // [B, 1, ...], or undefined: 1
};

Reading reading(const Tensor& at, int64_t n, const Tensor& weight) {
  const Tensor inside = logical_and(greater_equal(at, 0), less(at, double(n)));
  return {to(where(inside, at, 0), DType::i64), inside, weight.defined() ? unsqueeze(weight, 1) : weight};
}

/// Positions beyond the edges of an axis of n elements moved to the edge or to their mirror image.
Tensor moved_inside(const Tensor& at, int64_t n, const GridSampleOptions& options) {
  if (options.padding == GridPadding::zeros) return at;
  Tensor inside = at;
  if (options.padding == GridPadding::reflection) {
    // The mirrors are at the outermost centres or half an element further out; twice their distance is the period.
    const double low = options.align_corners ? 0 : -.5, span = double(options.align_corners ? n - 1 : n);
    if (span == 0) return at * 0;
    const Tensor away = abs(at - low), rest = away - floor(away.detach() / (2 * span)) * (2 * span);
    inside = where(greater(rest, span), 2 * span - rest, rest) + low;
  }
  return hardtanh(inside, 0, double(n - 1));
}

/// The weight of cubic convolution (Keys 1981, eq. 4) at a distance in [0, 1], or in [1, 2] if `outer`.
Tensor cubic_factor(const Tensor& x, bool outer) {
  constexpr double a = -.75;
  if (!outer) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return ((x - 5) * x + 8) * x * a - 4 * a;
}

/// What is read along an axis of n elements at coordinates u from -1 to 1.
std::vector<Reading> readings_of(const Tensor& u, int64_t n, const GridSampleOptions& options) {
  const Tensor at = options.align_corners ? (u + 1) * (double(n - 1) / 2) : ((u + 1) * double(n) - 1) * .5;
  if (options.mode == Interpolation::bicubic) {
    const Tensor low = floor(at.detach()), share = at - low;
    std::vector<Reading> four;
    for (int k = -1; k <= 2; ++k)
      four.push_back(reading(moved_inside(low + k, n, options), n,
                             cubic_factor(k <= 0 ? share - k : k - share, k == -1 || k == 2)));
    return four;
  }
  const Tensor inside = moved_inside(at, n, options);
  if (options.mode == Interpolation::nearest) return {reading(round(inside.detach()), n, {})};
  const Tensor low = floor(inside.detach()), share = inside - low;
  return {reading(low, n, 1 - share), reading(low + 1, n, share)};
}

/// x [B, C, elements], sizes of its spatial axes and what is read along each of them from `axis` on; `offset` and
/// `inside`: the position along the axes before.
Tensor weighted_sum(const Tensor& x, const Shape& sizes, const std::vector<std::vector<Reading>>& axes, int axis,
                    const Tensor& offset, const Tensor& inside) {
  if (axis == sizes.rank()) {
    const int64_t batch = x.size(0), channels = x.size(1);
    const Tensor index = where(inside, offset, 0);
    Shape shape = index.shape();
    const Tensor all = expand(reshape(index, {batch, 1, -1}), {batch, channels, index.numel() / batch});
    shape.insert(1, channels);
    return where(unsqueeze(inside, 1), reshape(gather(x, 2, all), shape), 0);
  }
  Tensor total;
  for (const Reading& one : axes[size_t(axis)]) {
    const bool first = axis == 0;
    Tensor part = weighted_sum(x, sizes, axes, axis + 1, first ? one.index : offset * double(sizes[axis]) + one.index,
                               first ? one.inside : logical_and(inside, one.inside));
    if (one.weight.defined()) part = part * one.weight;
    total = total.defined() ? total + part : part;
  }
  return total;
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& options) {
  check_floating("grid_sample", x.dtype());
  check_one_dtype("grid_sample", "x", x, "the grid", grid);
  const int axes = x.rank() - 2;
  check<ShapeError>(
      (axes == 2 || axes == 3) && grid.rank() == x.rank() && grid.size(-1) == axes && grid.size(0) == x.size(0),
      "[grid_sample] needs x [B, C, H, W] and a grid [B, h, w, 2], or a volume [B, C, D, H, W] and ",
      "[B, d, h, w, 3], got shapes ", x.shape(), " and ", grid.shape());
  const bool bilinear = options.mode == Interpolation::bilinear, nearest = options.mode == Interpolation::nearest;
  check<ConfigError>(bilinear || nearest || (options.mode == Interpolation::bicubic && axes == 2),
                     "[grid_sample] needs the mode nearest, bilinear, or bicubic for images");
  const Shape sizes = spatial_sizes(x.shape(), axes);
  check<ShapeError>(numel(sizes) > 0, "[grid_sample] an image of shape ", x.shape(), " has no pixels");
  if (grid.numel() == 0 || x.numel() == 0) {
    // Nothing to read; the products keep the gradients.
    Shape shape{x.size(0), x.size(1)};
    for (int i = 1; i <= axes; ++i) shape.push_back(grid.size(i));
    return expand((sum(x) + sum(grid)) * 0, shape);
  }
  std::vector<std::vector<Reading>> readings;
  for (int i = 0; i < axes; ++i)
    readings.push_back(readings_of(select(grid, axes + 1, axes - 1 - i), sizes[i], options));
  return weighted_sum(reshape(x, {x.size(0), x.size(1), numel(sizes)}), sizes, readings, 0, {}, {});
}

}  // namespace ditharos
