#pragma once
// Changes of shape as modules, for nn::Sequential.
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// Merges the axes start_dim to end_dim; by default all but the batch.
class Flatten : public Module<Flatten> {
 public:
  explicit Flatten(int start_dim = 1, int end_dim = -1) : start_(start_dim), end_(end_dim) {}
  Tensor forward(const Tensor& x) const { return flatten(x, start_, end_); }
  void visit(Visitor&) override {}

 private:
  int start_, end_;
};

/// Splits an axis into the given sizes, of which one may be -1.
class Unflatten : public Module<Unflatten> {
 public:
  Unflatten(int dim, const Shape& unflattened_size) : dim_(dim), sizes_(unflattened_size) {}
  Tensor forward(const Tensor& x) const { return unflatten(x, dim_, sizes_); }
  void visit(Visitor&) override {}

 private:
  int dim_;
  Shape sizes_;
};

/// [B, C r^2, H, W] -> [B, C, H r, W r] (Shi et al. 2016).
class PixelShuffle : public Module<PixelShuffle> {
 public:
  explicit PixelShuffle(int64_t upscale_factor) : factor_(upscale_factor) {}
  Tensor forward(const Tensor& x) const { return pixel_shuffle(x, factor_); }
  void visit(Visitor&) override {}

 private:
  int64_t factor_;
};

/// Its inverse: [B, C, H r, W r] -> [B, C r^2, H, W].
class PixelUnshuffle : public Module<PixelUnshuffle> {
 public:
  explicit PixelUnshuffle(int64_t downscale_factor) : factor_(downscale_factor) {}
  Tensor forward(const Tensor& x) const { return pixel_unshuffle(x, factor_); }
  void visit(Visitor&) override {}

 private:
  int64_t factor_;
};

}  // namespace ditharos::nn
