#include <ditharos/autograd/ops/vision/vision.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>

namespace ditharos {
namespace {

/// The pixels of x [B, C, H, W] at whole positions [B, h, w], 0 beyond the edges.
Tensor pixels(const Tensor& x, const Tensor& column, const Tensor& row) {
  const int64_t batch = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  const auto within = [](const Tensor& at, int64_t n) {
    return logical_and(greater_equal(at, 0), less(at, double(n)));
  };
  const Tensor inside = logical_and(within(column, width), within(row, height));
  const Tensor at = where(inside, row * double(width) + column, 0);
  Shape shape = at.shape();
  const Tensor index = expand(reshape(to(at, DType::i64), {batch, 1, -1}), {batch, channels, at.numel() / batch});
  const Tensor found = gather(reshape(x, {batch, channels, height * width}), 2, index);
  shape.insert(1, channels);
  return where(unsqueeze(inside, 1), reshape(found, shape), 0);
}

}  // namespace

Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& options) {
  check_floating("grid_sample", x.dtype());
  check_one_dtype("grid_sample", "x", x, "the grid", grid);
  check<ShapeError>(x.rank() == 4 && grid.rank() == 4 && grid.size(3) == 2 && grid.size(0) == x.size(0),
                    "[grid_sample] needs x [B, C, H, W] and a grid [B, h, w, 2], got shapes ", x.shape(), " and ",
                    grid.shape());
  check<ShapeError>(x.size(2) > 0 && x.size(3) > 0, "[grid_sample] an image of shape ", x.shape(), " has no pixels");
  const int64_t height = x.size(2), width = x.size(3);
  if (grid.numel() == 0 || x.numel() == 0) {
    // Nothing to read; the products keep the gradients.
    const Tensor nothing = sum(x) + sum(grid);
    return expand(nothing * 0, {x.size(0), x.size(1), grid.size(1), grid.size(2)});
  }
  const auto position = [&](int axis, int64_t n) {
    const Tensor u = select(grid, 3, axis);
    const Tensor at = options.align_corners ? (u + 1) * (double(n - 1) / 2) : ((u + 1) * double(n) - 1) * .5;
    return options.padding == GridPadding::border ? hardtanh(at, 0, double(n - 1)) : at;
  };
  const Tensor px = position(0, width), py = position(1, height);
  if (options.nearest) return pixels(x, round(px.detach()), round(py.detach()));
  const Tensor left = floor(px.detach()), top = floor(py.detach());
  const Tensor right_share = unsqueeze(px - left, 1), lower_share = unsqueeze(py - top, 1);
  const Tensor upper = pixels(x, left, top) * (1 - right_share) + pixels(x, left + 1, top) * right_share;
  const Tensor lower = pixels(x, left, top + 1) * (1 - right_share) + pixels(x, left + 1, top + 1) * right_share;
  return upper * (1 - lower_share) + lower * lower_share;
}

}  // namespace ditharos
