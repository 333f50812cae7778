#include <ditharos/models/samplers/ddim.h>

#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/samplers/step.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {

Tensor ddim_step(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& x, int64_t t,
                 const Tensor& noise, double eta, bool clip) {
  check<ConfigError>(eta >= 0 && eta <= 1, "[ddim_step] eta must be in [0, 1], got ", eta);
  const nn::InferenceMode inference;
  const GaussianDiffusion::Prediction p = predict_at(diffusion, model, x, t, clip);
  const double a = diffusion.tables().a_bar[size_t(t)], previous = diffusion.tables().a_bar_previous[size_t(t)];
  const double sigma = eta * std::sqrt((1 - previous) / (1 - a)) * std::sqrt(1 - a / previous);
  const Tensor mean = p.x0 * std::sqrt(previous) + p.noise * std::sqrt(1 - previous - sigma * sigma);
  if (t == 0 || eta == 0) return mean;
  check<ShapeError>(noise.shape() == x.shape(), "[ddim_step] noise of shape ", noise.shape(),
                    " does not fit x of shape ", x.shape());
  return mean + noise * sigma;
}

Tensor sample_ddim(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& noise, Generator& rng,
                   const DdimOptions& options) {
  Tensor x = noise;
  for (int64_t t = diffusion.steps() - 1; t >= 0; --t) {
    const Tensor fresh = options.eta > 0 && t > 0 ? rng.normal(x.shape(), x.dtype()) : Tensor{};
    x = ddim_step(diffusion, model, x, t, fresh, options.eta, options.clip);
    if (options.progress) options.progress(diffusion.steps() - t, diffusion.steps(), x);
  }
  return x;
}

Tensor ddim_inverse_step(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& x, int64_t t,
                         InversionTime time) {
  const nn::InferenceMode inference;
  if (time == InversionTime::of_result) {
    const PathPoint before = point_of_a_bar(diffusion.tables().a_bar_previous.at(size_t(t)));
    const Tensor output = predict_at(diffusion, model, x, t, false).output;
    const auto predicted = [&](PredictionKind kind) {
      return convert(output, diffusion.config().prediction, kind, x, before);
    };
    const PathPoint& point = diffusion.point(t);
    return predicted(PredictionKind::x0) * point.alpha + predicted(PredictionKind::eps) * point.sigma;
  }
  const GaussianDiffusion::Prediction p = predict_at(diffusion, model, x, t, false);
  const double next = diffusion.tables().a_bar_next[size_t(t)];
  return p.x0 * std::sqrt(next) + p.noise * std::sqrt(1 - next);
}

Tensor invert_ddim(const GaussianDiffusion& diffusion, const Denoiser& model, const Tensor& data,
                   const SamplingProgress& progress, InversionTime time) {
  Tensor x = data;
  for (int64_t t = 0; t < diffusion.steps(); ++t) {
    x = ddim_inverse_step(diffusion, model, x, t, time);
    if (progress) progress(t + 1, diffusion.steps(), x);
  }
  return x;
}

}  // namespace ditharos::models
