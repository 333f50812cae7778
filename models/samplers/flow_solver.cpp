#include <ditharos/models/samplers/flow_solver.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {
namespace {

/// The flow's velocity with conditioning frames.
class ConditionedFlow {
 public:
  ConditionedFlow(const RectifiedFlow& flow, const Denoiser& model, const ConditioningFrames& conditioning,
                  const Shape& shape)
      : flow_(flow), model_(model), conditioning_(conditioning) {
    if (!conditioning.clip.defined()) return;
    const std::vector<uint8_t> flags(conditioning.mask.begin(), conditioning.mask.end());
    Shape mask = shape;
    for (int axis = 0; axis < mask.rank(); ++axis) mask[axis] = axis == 1 ? shape[1] : 1;
    is_conditioning_ = to(from_vector(flags, mask), DType::boolean);
  }

  /// x with its conditioning frames replaced by the given ones.
  Tensor hold(const Tensor& x) const {
    return is_conditioning_.defined() ? where(is_conditioning_, conditioning_.clip, x) : x;
  }
  /// The velocity at x, whose frames to generate are at time t and whose conditioning frames are at time 1.
  Tensor velocity(const Tensor& x, double t) const {
    if (!is_conditioning_.defined()) return flow_.velocity(model_, x, t);
    std::vector<float> times;
    for (int64_t i = 0; i < x.size(0); ++i)
      for (const bool held : conditioning_.mask) times.push_back(float(flow_.network_time(held ? 1 : t)));
    const Tensor v = model_(x, from_vector(times, {x.size(0), x.size(1)}));
    check<ShapeError>(v.shape() == x.shape(), "[solve_flow] the network must return a velocity of shape ", x.shape(),
                      ", got ", v.shape());
    return v;
  }

 private:
  const RectifiedFlow& flow_;
  const Denoiser& model_;
  const ConditioningFrames& conditioning_;
  Tensor is_conditioning_;  // bool [1, F, 1, ...], or undefined
};

}  // namespace

Tensor solve_flow(const RectifiedFlow& flow, const Denoiser& model, SamplerKind method, const Tensor& x, double begin,
                  int64_t steps, const ConditioningFrames& conditioning, const SamplingProgress& progress) {
  check<ConfigError>(samples_flow(method), "a flow is sampled with euler or heun, not with ", name_of(method));
  check<ConfigError>(steps >= 1, "[sample_", name_of(method), "] needs at least one step, got ", steps);
  const nn::InferenceMode inference;
  const ConditionedFlow field(flow, model, conditioning, x.shape());
  const std::vector<double> times = flow.sampling_times(steps, begin);
  Tensor y = field.hold(x);
  for (int64_t i = 0; i < steps; ++i) {
    const double t = times[size_t(i)], dt = times[size_t(i) + 1] - t;
    Tensor v = field.velocity(y, t);
    if (method == SamplerKind::heun) v = (v + field.velocity(field.hold(y + v * dt), t + dt)) * .5;
    const Tensor expected = progress ? field.hold(y + v * (1 - t)) : Tensor{};
    y = field.hold(y + v * dt);
    if (progress) progress(i + 1, steps, i + 1 < steps ? expected : y);
  }
  return y;
}

}  // namespace ditharos::models
