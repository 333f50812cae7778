#include <ditharos/models/samplers/sde.h>

#include <cmath>
#include <numbers>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/prediction.h>
#include <ditharos/models/samplers/multistep/solver_points.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {
namespace {

Tensor score_of(const Tensor& velocity, const Tensor& x, const Path& path, double t) {
  return convert(velocity, PredictionKind::velocity, PredictionKind::score, x, path.at(t));
}

/// v + w score.
Tensor drift(const Velocity& velocity, const Path& path, const SdeOptions& options, const Tensor& x, double t) {
  const Tensor v = velocity(x, t);
  const double w = diffusion_coefficient(path, options, t);
  return w == 0 ? v : v + score_of(v, x, path, t) * w;
}

}  // namespace

const char* name_of(DiffusionForm form) {
  constexpr const char* names[] = {"constant", "sbdm", "sigma", "linear", "decreasing", "increasing_decreasing"};
  return names[static_cast<int>(form)];
}

const char* name_of(LastStep step) {
  constexpr const char* names[] = {"none", "mean", "tweedie", "euler"};
  return names[static_cast<int>(step)];
}

void SdeOptions::validate() const {
  check<ConfigError>(std::isfinite(norm) && norm >= 0, "the norm of the diffusion must be 0 or more, got ", norm);
  check<ConfigError>(last_step_size > 0 && last_step_size < 1,
                     "the size of the last step must be above 0 and below 1, "
                     "got ",
                     last_step_size, "; for none choose the last step \"none\"");
  check<ConfigError>(margin > 0 && margin < .5, "the margin of the times must be above 0 and below .5, got ", margin);
}

double diffusion_coefficient(const Path& path, const SdeOptions& options, double t) {
  const double norm = options.norm;
  switch (options.form) {
    case DiffusionForm::constant: return norm;
    case DiffusionForm::sbdm: return norm * path.score_coefficient(t);
    case DiffusionForm::sigma: return norm * path.sigma(t);
    case DiffusionForm::linear: return norm * (1 - t);
    case DiffusionForm::decreasing: return .25 * std::pow(norm * std::cos(std::numbers::pi * t) + 1, 2);
    case DiffusionForm::increasing_decreasing: break;
  }
  return norm * std::pow(std::sin(std::numbers::pi * t), 2);
}

std::vector<double> sde_times(const Path& path, const SdeOptions& options, int64_t steps) {
  options.validate();
  check<ConfigError>(steps >= 2, "a stochastic sampler needs 2 steps or more, got ", steps);
  const double begin = std::isfinite(diffusion_coefficient(path, options, 0)) ? 0 : options.margin;
  const double end = 1 - (options.last_step == LastStep::none ? options.margin : options.last_step_size);
  check<ConfigError>(begin < end, "the last step of ", options.last_step_size, " leaves nothing of the time from ",
                     begin, " to 1: it must be smaller");
  return even_times(begin, end, steps - 1);
}

Tensor sde_step(const Velocity& velocity, const Path& path, const SdeOptions& options, const Tensor& x, double begin,
                double end, const Tensor& noise) {
  check_shape_of_x("sde_step", "the noise", noise, x);
  const nn::InferenceMode inference;
  const double dt = end - begin;
  const Tensor diffusion = noise * std::sqrt(2 * diffusion_coefficient(path, options, begin) * dt);
  if (options.method == SdeMethod::euler_maruyama) return x + drift(velocity, path, options, x, begin) * dt + diffusion;
  const Tensor noisy = x + diffusion;
  const Tensor first = drift(velocity, path, options, noisy, begin);
  const Tensor second = drift(velocity, path, options, noisy + first * dt, end);
  return noisy + (first + second) * (.5 * dt);
}

Tensor sde_last_step(const Velocity& velocity, const Path& path, const SdeOptions& options, const Tensor& x, double t) {
  const nn::InferenceMode inference;
  switch (options.last_step) {
    case LastStep::none: return x;
    case LastStep::mean: return x + drift(velocity, path, options, x, t) * options.last_step_size;
    case LastStep::euler: return x + velocity(x, t) * options.last_step_size;
    case LastStep::tweedie: break;
  }
  return convert(velocity(x, t), PredictionKind::velocity, PredictionKind::x0, x, path.at(t));
}

}  // namespace ditharos::models
