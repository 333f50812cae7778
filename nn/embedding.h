#pragma once
#include <optional>

#include <ditharos/nn/linear.h>

namespace ditharos::nn {

/// A table of vectors; indices i64 of any shape -> [..., D]. Weights start as N(0, standard_deviation^2). The row
/// `padding_idx`, if there is one, starts as zeros and gets no gradient; it counts from the end where it is negative.
class Embedding : public Module<Embedding> {
 public:
  Embedding() = default;
  Embedding(int64_t rows, int64_t width, Generator& rng = default_generator(), double standard_deviation = 1.0)
      : weight(init::normal({rows, width}, standard_deviation, rng)) {}
  /// ConfigError for a row that the table does not have.
  Embedding(int64_t rows, int64_t width, std::optional<int64_t> padding_idx, Generator& rng = default_generator(),
            double standard_deviation = 1.0);

  Tensor forward(const Tensor& indices) const;
  void visit(Visitor& v) override { v("weight", weight); }

  Parameter weight;

 private:
  std::optional<int64_t> padding_;  // from 0 on
};

/// Sinusoidal features of a time, [B] -> [B, dim]: cos(t w_i) for the first half, then sin(t w_i), with
/// w_i = 10000^(-i / (dim/2 - shift)) (Vaswani et al. 2017). Order and a shift of 0 as in Peebles and Xie's DiT; the
/// shift is diffusers' downscale_freq_shift, 1 in its DiT. `dim` is even. Times in f64 give f64, computed in double;
/// all others are read as f32, and w_i and t w_i are rounded to f32, as PyTorch's models compute them.
Tensor timestep_features(const Tensor& t, int64_t dim, int64_t shift = 0);

/// The binary digits of a step's number, [B] -> [B, bits], most significant first: with two bits, 3 -> (1, 1). A time
/// between two steps is rounded. Error when a step needs more bits. f64 for steps in f64, else f32.
Tensor binary_features(const Tensor& steps, int64_t bits);

/// Embeds a time, [B] -> [B, D]: 256 sinusoidal features, Linear, SiLU, Linear; weights N(0, .02^2).
class TimestepEmbedder : public Module<TimestepEmbedder> {
 public:
  TimestepEmbedder() = default;
  TimestepEmbedder(int64_t width, Generator& rng, int64_t downscale_freq_shift = 0);

  Tensor forward(const Tensor& t) const;
  void visit(Visitor& v) override;

 private:
  static constexpr int64_t features_ = 256;
  int64_t shift_ = 0;
  Linear in_, out_;
};

}  // namespace ditharos::nn
