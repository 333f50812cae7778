#include <ditharos/nn/embedding.h>

#include <cmath>

#include <ditharos/autograd/ops/indexing/embedding.h>

namespace ditharos::nn {
namespace {

/// 10000^(-i / denominator), [count]. Each operation is rounded to T, and the exponential of the rounded exponent is
/// exact up to its own rounding.
template <class T>
Tensor frequencies(int64_t count, int64_t denominator) {
  std::vector<T> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const T exponent = T(-std::log(10000.0)) * T(i) / T(denominator);
    values[size_t(i)] = T(std::exp(double(exponent)));
  }
  return from_vector(values);
}

Tensor cos_and_sin(const Tensor& angles) { return cat({cos(angles), sin(angles)}, 1); }

}  // namespace

Embedding::Embedding(int64_t rows, int64_t width, std::optional<int64_t> padding_idx, Generator& rng,
                     double standard_deviation)
    : Embedding(rows, width, rng, standard_deviation) {
  if (!padding_idx) return;
  check<ConfigError>(*padding_idx >= -rows && *padding_idx < rows, "[Embedding] padding_idx must be a row of ", rows,
                     ", got ", *padding_idx);
  padding_ = *padding_idx < 0 ? *padding_idx + rows : *padding_idx;
  select(weight, 0, *padding_).detach().fill_(0);
}

Tensor Embedding::forward(const Tensor& indices) const {
  check_has_weight("embedding", "nn::Embedding", weight);
  return embedding(indices, weight, {.padding_idx = padding_});
}

Tensor timestep_features(const Tensor& t, int64_t dim, int64_t shift) {
  check<ShapeError>(t.rank() == 1, "[timestep_features] the times must have shape [B], got ", t.shape());
  check<ConfigError>(dim >= 2 && dim % 2 == 0, "[timestep_features] the number of features must be even, got ", dim);
  const int64_t half = dim / 2;
  check<ConfigError>(shift >= 0 && shift < half, "[timestep_features] the shift must be between 0 and ", half - 1,
                     ", got ", shift);
  // Models in f32 know the angles of f32, which at a time of 1000 are up to 6e-5 away from those in double. So the
  // angles of times in f32 are rounded where PyTorch rounds them; sines and cosines of these angles are exact.
  if (t.dtype() == DType::f64) return cos_and_sin(unsqueeze(t, 1) * frequencies<double>(half, half - shift));
  const Tensor angles = unsqueeze(to(t, DType::f32), 1) * frequencies<float>(half, half - shift);  // [B, half]
  return to(cos_and_sin(to(angles, DType::f64)), DType::f32);
}

Tensor binary_features(const Tensor& steps, int64_t bits) {
  check<ShapeError>(steps.rank() == 1, "[binary_features] the steps must have shape [B], got ", steps.shape());
  check<ConfigError>(bits >= 1 && bits <= 30, "[binary_features] the number of bits must be between 1 and 30, got ",
                     bits);
  std::vector<double> digits;
  for (const double value : steps.to_vector<double>()) {
    const double step = std::nearbyint(value);
    check<Error>(step >= 0 && step < double(int64_t{1} << bits), "[binary_features] step ", value,
                 " does not fit into ", bits, " bits, which hold 0 to ", (int64_t{1} << bits) - 1);
    for (int64_t bit = bits - 1; bit >= 0; --bit) digits.push_back(double(int64_t(step) >> bit & 1));
  }
  return to(from_vector(digits, {steps.size(0), bits}), steps.dtype() == DType::f64 ? DType::f64 : DType::f32);
}

TimestepEmbedder::TimestepEmbedder(int64_t width, Generator& rng, int64_t downscale_freq_shift)
    : shift_(downscale_freq_shift), in_(features_, width, rng), out_(width, width, rng) {
  in_.weight = Parameter(init::normal({width, features_}, .02, rng));
  out_.weight = Parameter(init::normal({width, width}, .02, rng));
  in_.keep_f32();
  out_.keep_f32();
}

Tensor TimestepEmbedder::forward(const Tensor& t) const {
  return out_(silu(in_(timestep_features(t, features_, shift_))));
}

void TimestepEmbedder::visit(Visitor& v) {  // keys 0 and 2: in PyTorch's Sequential the SiLU is element 1
  v("mlp.0", in_);
  v("mlp.2", out_);
}

}  // namespace ditharos::nn
