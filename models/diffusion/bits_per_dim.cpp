#include <ditharos/models/diffusion/bits_per_dim.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/batch.h>
#include <ditharos/models/diffusion/likelihood.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {
namespace {

/// [B], in bits.
Tensor prior_of(const GaussianDiffusion& diffusion, const Tensor& data) {
  const PathPoint& last = diffusion.point(diffusion.steps() - 1);
  const Tensor zero = scalar(0, data.dtype());
  const Tensor log_variance = scalar(2 * std::log(last.sigma), data.dtype());
  return mean_per_sample(normal_kl(data * last.alpha, log_variance, zero, zero)) / std::numbers::ln2;
}

/// Columns that were collected from the last step to the first, as [B, steps].
Tensor columns(std::vector<Tensor> collected) {
  std::reverse(collected.begin(), collected.end());
  return stack(collected, 1);
}

}  // namespace

BitsPerDim bits_per_dim(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& data,
                        const std::function<Tensor(int64_t step)>& noise, bool clip) {
  check<ShapeError>(data.rank() >= 2, "[bits_per_dim] data must have shape [B, C, ...], got ", data.shape());
  const nn::InferenceMode inference;
  const Shape batch = {data.size(0)};
  std::vector<Tensor> vb, x0_mse, noise_mse;
  for (int64_t step = diffusion.steps() - 1; step >= 0; --step) {
    const Tensor t = full(batch, double(step), DType::i64), drawn = noise(step);
    const Tensor xt = diffusion.q_sample(data, t, drawn);
    const Tensor output = model(xt, full(batch, diffusion.network_time(step)));
    const GaussianDiffusion::Prediction p = diffusion.predict(output, xt, t, clip);
    vb.push_back(diffusion.bound(p, data, xt, t));
    x0_mse.push_back(mean_per_sample(square(p.x0 - data)));
    noise_mse.push_back(mean_per_sample(square(p.noise - drawn)));
  }
  BitsPerDim result;
  result.prior = prior_of(diffusion, data);
  result.vb = columns(std::move(vb));
  result.x0_mse = columns(std::move(x0_mse));
  result.noise_mse = columns(std::move(noise_mse));
  result.total = sum(result.vb, {1}) + result.prior;
  return result;
}

BitsPerDim bits_per_dim(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& data, Generator& rng,
                        bool clip) {
  return bits_per_dim(diffusion, model, data, [&](int64_t) { return rng.normal(data.shape(), data.dtype()); }, clip);
}

}  // namespace ditharos::models
