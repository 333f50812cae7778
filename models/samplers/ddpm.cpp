#include <ditharos/models/samplers/ddpm.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/samplers/step.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {

Tensor ddpm_step(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& x, int64_t t,
                 const Tensor& noise, bool clip) {
  const nn::InferenceMode inference;
  const GaussianDiffusion::Prediction p = predict_at(diffusion, model, x, t, clip);
  if (t == 0) return p.mean;
  check<ShapeError>(noise.shape() == x.shape(), "[ddpm_step] noise of shape ", noise.shape(),
                    " does not fit x of shape ", x.shape());
  return p.mean + exp(p.log_variance * .5) * noise;
}

Tensor sample_ddpm(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& noise, Generator& rng,
                   const DdpmOptions& options) {
  Tensor x = noise;
  for (int64_t t = diffusion.steps() - 1; t >= 0; --t) {
    const Tensor fresh = t > 0 ? rng.normal(x.shape(), x.dtype()) : Tensor{};
    x = ddpm_step(diffusion, model, x, t, fresh, options.clip);
    if (options.progress) options.progress(diffusion.steps() - t, diffusion.steps(), x);
  }
  return x;
}

}  // namespace ditharos::models
