#include <ditharos/models/samplers/flow_solver.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/samplers/multistep/multistep.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {
namespace {

/// The flow's predictions with conditioning frames.
class ConditionedFlow {
 public:
  ConditionedFlow(const Flow& flow, const Denoiser& model, const ConditioningFrames& conditioning, const Shape& shape)
      : flow_(flow), model_(model), conditioning_(conditioning) {
    if (!conditioning.clip.defined()) return;
    const std::vector<uint8_t> flags(conditioning.mask.begin(), conditioning.mask.end());
    Shape mask = shape;
    for (int axis = 0; axis < mask.rank(); ++axis) mask[axis] = axis == 1 ? shape[1] : 1;
    is_conditioning_ = to(from_vector(flags, mask), DType::boolean);
  }

  const Flow& flow() const { return flow_; }
  /// x with its conditioning frames replaced by the given ones.
  Tensor hold(const Tensor& x) const {
    return is_conditioning_.defined() ? where(is_conditioning_, conditioning_.clip, x) : x;
  }
  /// The velocity at x, whose frames to generate are at time t. Conditioning frames do not move.
  Tensor velocity(const Tensor& x, double t) const {
    if (!is_conditioning_.defined()) return flow_.velocity(model_, x, t);
    const Tensor v = predict(x, t, PredictionKind::velocity);
    return where(is_conditioning_, scalar(0, v.dtype()), v);
  }
  /// The data predicted at x.
  Tensor data(const Tensor& x, double t) const {
    if (!is_conditioning_.defined()) return flow_.predict(model_, x, t, PredictionKind::x0);
    return hold(predict(hold(x), t, PredictionKind::x0));
  }

 private:
  /// The conditioning frames of x are given, and at time 1.
  Tensor predict(const Tensor& x, double t, PredictionKind kind) const {
    std::vector<float> times;
    for (int64_t i = 0; i < x.size(0); ++i)
      for (const bool held : conditioning_.mask) times.push_back(float(flow_.network_time(held ? 1 : t)));
    const Tensor output = model_(x, from_vector(times, {x.size(0), x.size(1)}));
    check<ShapeError>(output.shape() == x.shape(), "[solve_flow] the network must return a ",
                      name_of(flow_.config().prediction), " of shape ", x.shape(), ", got ", output.shape());
    return convert(output, flow_.config().prediction, kind, x, flow_.path().at(t));
  }

  const Flow& flow_;
  const Denoiser& model_;
  const ConditioningFrames& conditioning_;
  Tensor is_conditioning_;  // bool [1, F, 1, ...], or undefined
};

OdeMethod ode_method(SamplerKind kind) {
  switch (kind) {
    case SamplerKind::heun: return OdeMethod::heun;
    case SamplerKind::midpoint: return OdeMethod::midpoint;
    case SamplerKind::adams_bashforth: return OdeMethod::adams_bashforth;
    case SamplerKind::dopri5: return OdeMethod::dopri5;
    default: return OdeMethod::euler;
  }
}

Tensor solve_equation(const ConditionedFlow& field, const SamplerConfig& sampler, const Tensor& x, double begin,
                      int64_t steps, const SamplingProgress& progress) {
  const bool adaptive = sampler.kind == SamplerKind::dopri5;
  constexpr int64_t shares = 100;  // in which the progress of an unknown number of steps is reported
  const std::vector<double> times = field.flow().sampling_times(adaptive ? 1 : steps, begin);
  OdeOptions options{.method = ode_method(sampler.kind),
                     .order = sampler.order,
                     .absolute_tolerance = sampler.absolute_tolerance,
                     .relative_tolerance = sampler.relative_tolerance,
                     .error_control = sampler.error_control};
  if (progress) {
    options.after_step = [&](const OdeStep& step) {
      const bool last = step.end == times.back();
      const double way = (step.end - times.front()) / (times.back() - times.front());
      const int64_t total = adaptive ? shares : steps, done = adaptive ? int64_t(way * shares) : step.index + 1;
      progress(last ? total : done, total, field.hold(last ? step.next : step.x + step.slope * (1 - step.begin)));
    };
  }
  return solve_ode([&](const Tensor& y, double t) { return field.velocity(y, t); }, x, times, options).x;
}

Tensor solve_stochastic(const ConditionedFlow& field, const SamplerConfig& sampler, const Tensor& x, int64_t steps,
                        const SamplingProgress& progress, Generator& rng) {
  const Path& path = field.flow().path();
  SdeOptions options = sampler.sde;
  options.method = sampler.kind == SamplerKind::sde_heun ? SdeMethod::heun : SdeMethod::euler_maruyama;
  const std::vector<double> times = sde_times(path, options, steps);
  const Velocity velocity = [&](const Tensor& y, double t) { return field.velocity(y, t); };
  Tensor y = x;
  for (int64_t i = 0; i + 1 < steps; ++i) {
    const double t = times[size_t(i)];
    y = field.hold(sde_step(velocity, path, options, y, t, times[size_t(i) + 1], rng.normal(y.shape(), y.dtype())));
    if (progress) progress(i + 1, steps, y);
  }
  y = field.hold(sde_last_step(velocity, path, options, y, times.back()));
  if (progress) progress(steps, steps, y);
  return y;
}

}  // namespace

Tensor solve_flow(const Flow& flow, const Denoiser& model, const SamplerConfig& sampler, const Tensor& x, double begin,
                  int64_t steps, const ConditioningFrames& conditioning, const SamplingProgress& progress,
                  Generator* rng) {
  check<ConfigError>(samples_flow(sampler.kind), "a flow is sampled with ", sampler_names(samples_flow), ", not with ",
                     name_of(sampler.kind));
  check<ConfigError>(steps >= 1, "[sample_", name_of(sampler.kind), "] needs at least one step, got ", steps);
  check<ConfigError>(!is_stochastic(sampler.kind) || (rng != nullptr && begin == 0), "[solve_flow] ",
                     name_of(sampler.kind), " needs a generator for its noise and begins at noise, not at t = ", begin);
  const nn::InferenceMode inference;
  const ConditionedFlow field(flow, model, conditioning, x.shape());
  const Tensor start = field.hold(x);
  if (solves_ode(sampler.kind)) return field.hold(solve_equation(field, sampler, start, begin, steps, progress));
  if (solves_sde(sampler.kind)) return solve_stochastic(field, sampler, start, steps, progress, *rng);

  MultistepRun run{.grid = grid_of_path(flow.path(), flow.sampling_times(steps, begin)), .predict = {}, .rng = rng};
  run.predict = [&](const Tensor& y, size_t i) { return field.data(y, run.grid.times[i]); };
  if (progress)
    run.after_step = [&](int64_t done, const Tensor& data, const Tensor& y) {
      progress(done, steps, done < steps ? data : field.hold(y));
    };
  return field.hold(solve_multistep(sampler, run, start));
}

}  // namespace ditharos::models
