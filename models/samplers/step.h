#pragma once
// Internal to models/samplers/.
// The first part of each step of the samplers of a GaussianDiffusion.
#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/gaussian.h>

namespace ditharos::models {

/// Runs the network on x [B, ...], all at step t, and interprets its output.
inline GaussianDiffusion::Prediction predict_at(const GaussianDiffusion& diffusion, const Denoiser& model,
                                                const Tensor& x, int64_t t, bool clip) {
  check<ShapeError>(x.rank() >= 2, "[sample] x must have shape [B, C, ...], got ", x.shape());
  check<Error>(t >= 0 && t < diffusion.steps(), "[sample] a step must be in [0, ", diffusion.steps(), "), got ", t);
  const Shape batch = {x.size(0)};
  const Tensor output = model(x, full(batch, diffusion.network_time(t)));
  return diffusion.predict(output, x, full(batch, double(t), DType::i64), clip);
}

}  // namespace ditharos::models
