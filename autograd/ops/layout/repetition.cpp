// Repeated elements, grids, one-hot vectors, and pixels from channels.
#include <algorithm>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/kernels/index/positions.h>

namespace ditharos {

Tensor tile(const Tensor& x, const Shape& counts) {
  Shape all = counts;
  while (all.rank() < x.rank()) all.insert(0, 1);
  for (int64_t count : counts) check<ShapeError>(count >= 0, "[tile] a count cannot be negative, got ", counts);
  return repeat(x, all);
}

Tensor repeat_interleave(const Tensor& x, int64_t count, int axis) {
  axis = normalize_axis("repeat_interleave", axis, x.rank());
  check<ShapeError>(count >= 0, "[repeat_interleave] a count cannot be negative, got ", count);
  Shape apart = x.shape(), flat = x.shape();
  apart.insert(axis + 1, count);
  flat[axis] = checked_product("repeat_interleave", {flat[axis], count});
  return reshape(expand(unsqueeze(x, axis + 1), apart), flat);
}

Tensor repeat_interleave(const Tensor& x, int64_t count) {
  return repeat_interleave(reshape(x, {x.numel()}), count, 0);
}

Tensor repeat_interleave(const Tensor& x, const Tensor& counts, int axis) {
  axis = normalize_axis("repeat_interleave", axis, x.rank());
  check<DTypeError>(counts.dtype() == DType::i64, "[repeat_interleave] counts must be i64, got ", counts.dtype());
  check<ShapeError>(counts.shape() == Shape{x.size(axis)}, "[repeat_interleave] axis ", axis, " of shape ", x.shape(),
                    " needs ", x.size(axis), " counts, got shape ", counts.shape());
  return index_select(x, axis, kernels::repeated_indices("repeat_interleave", counts));
}

std::vector<Tensor> meshgrid(const std::vector<Tensor>& axes, const std::string& indexing) {
  check<ConfigError>(indexing == "ij" || indexing == "xy", "[meshgrid] the indexing is \"ij\" or \"xy\", got \"",
                     indexing, "\"");
  check<ShapeError>(!axes.empty(), "[meshgrid] there are no axes");
  const bool swapped = indexing == "xy" && axes.size() >= 2;
  Shape shape;
  for (const Tensor& axis : axes) {
    check<ShapeError>(axis.rank() <= 1, "[meshgrid] an axis is a vector, got shape ", axis.shape());
    check<DTypeError>(axis.dtype() == axes[0].dtype(), "[meshgrid] all axes need one dtype, got ", axes[0].dtype(),
                      " and ", axis.dtype());
    shape.push_back(axis.numel());
  }
  if (swapped) std::swap(shape[0], shape[1]);
  std::vector<Tensor> out;
  for (size_t i = 0; i < axes.size(); ++i) {
    Shape along = Shape::filled(shape.rank(), 1);
    along[int(swapped && i < 2 ? 1 - i : i)] = axes[i].numel();
    out.push_back(expand(reshape(axes[i], along), shape));
  }
  return out;
}

Tensor one_hot(const Tensor& labels, int64_t classes) {
  check<DTypeError>(labels.dtype() == DType::i64, "[one_hot] labels must be i64, got ", labels.dtype());
  check<ShapeError>(classes >= -1, "[one_hot] the number of classes cannot be negative, got ", classes);
  const NoGrad guard;
  if (labels.numel() > 0) {
    const auto low = int64_t(min(labels).item()), high = int64_t(max(labels).item());
    if (classes < 0) classes = high + 1;
    check<ShapeError>(low >= 0 && high < classes, "[one_hot] label ", low < 0 ? low : high, " is not in [0, ", classes,
                      ")");
  }
  check<ShapeError>(classes >= 0, "[one_hot] without labels the number of classes must be given");
  const Tensor hit = equal(unsqueeze(labels, labels.rank()), arange(classes, DType::i64));
  return not_differentiable("one_hot", to(hit, DType::i64), {labels});
}

Tensor pixel_shuffle(const Tensor& x, int64_t factor) {
  const int64_t r = factor;
  check<ShapeError>(r >= 1 && r < (1 << 30), "[pixel_shuffle] the factor must be at least 1, got ", r);
  check<ShapeError>(x.rank() == 4 && x.size(1) % (r * r) == 0, "[pixel_shuffle] needs [B, C r^2, H, W] with r = ", r,
                    ", got shape ", x.shape());
  const int64_t batch = x.size(0), channels = x.size(1) / (r * r), height = x.size(2), width = x.size(3);
  const Tensor apart = permute(reshape(x, {batch, channels, r, r, height, width}), {0, 1, 4, 2, 5, 3});
  return reshape(apart, {batch, channels, height * r, width * r});
}

Tensor pixel_unshuffle(const Tensor& x, int64_t factor) {
  const int64_t r = factor;
  check<ShapeError>(r >= 1 && r < (1 << 30), "[pixel_unshuffle] the factor must be at least 1, got ", r);
  check<ShapeError>(x.rank() == 4 && x.size(2) % r == 0 && x.size(3) % r == 0,
                    "[pixel_unshuffle] needs [B, C, H r, W r] with r = ", r, ", got shape ", x.shape());
  const int64_t batch = x.size(0), channels = x.size(1), height = x.size(2) / r, width = x.size(3) / r;
  const Tensor apart = permute(reshape(x, {batch, channels, height, r, width, r}), {0, 1, 3, 5, 2, 4});
  return reshape(apart, {batch, channels * r * r, height, width});
}

}  // namespace ditharos
