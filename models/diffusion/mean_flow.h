#pragma once
// MeanFlow: samples in one step (Geng et al. 2025, "Mean Flows for One-step Generative Modeling").
#include <ditharos/models/diffusion/flow.h>

namespace ditharos::models {

/// What MeanFlow has beside the times of a flow.
struct MeanFlowConfig {
  /// Share of a batch with an interval r != t; the others learn the velocity itself. 0.25 in the paper.
  double interval_share = .25;
  /// The loss of a sample is e / (e + adaptive_offset)^adaptive_power with the squared error e, summed over its
  /// elements; the denominator is a constant (equation 22, p and c). A power of 0 is the plain squared error.
  double adaptive_power = 1, adaptive_offset = 1e-3;
  /// Guidance that the network learns (section 4.2 and appendix B.1): the velocity of a sample with a condition is
  /// replaced by omega v + kappa u(condition) + (1 - omega - kappa) u(none), u being the network's velocity at (t, t).
  /// The effective scale is omega / (1 - kappa). 1 and 0: none.
  double omega = 1, kappa = 0;

  bool guided() const { return omega != 1 || kappa != 0; }
  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;
  friend bool operator==(const MeanFlowConfig&, const MeanFlowConfig&) = default;
};

/// The network predicts the average velocity u(x_t, t, r) = 1/(r - t) * integral of the velocity v from t to r of the
/// path x_t = (1 - t) noise + t data, so that x_r = x_t + (r - t) u; from t = 0 to r = 1 in one step. The derivative of
/// this definition by t gives the target, u = v + (r - t) du/dt, with du/dt by forward mode along (v, 1, 0).
///
/// The paper counts times from data: its t, r, v and u are 1 - t, 1 - r, -v and -u here, and its equation 10, v - (t -
/// r) du/dt, is the same target. Its logit-normal times of mean -0.4 have logit_mean = 0.4 here.
///
/// The network is given both times, [B, 2] = (t, r) with t <= r, times FlowConfig::time_scale: a DiT with
/// DiTConfig::interval_times.
class MeanFlow : public Objective {
 public:
  /// `times`: time_sampling, logit_mean, logit_scale, mode_scale, time_scale and time_shift of the flow. ConfigError
  /// for another path than the linear one, another prediction than the velocity, or a weighting.
  explicit MeanFlow(const FlowConfig& times = {}, const MeanFlowConfig& config = {});

  const Flow& flow() const { return flow_; }
  const MeanFlowConfig& config() const { return config_; }

  /// The beginnings t and the ends r >= t of n samples' intervals, in double.
  struct Intervals {
    std::vector<double> begin, end;
  };
  /// Two times a sample, the earlier one first. All but the first interval_share of the batch have r = t.
  Intervals sample_intervals(int64_t n, Generator& rng) const;

  /// Without guidance.
  Loss loss(const Denoiser& model, const Tensor& data, Generator& rng) const override;
  /// With guidance, if it is configured. Samples whose condition is null_condition keep their velocity.
  Loss conditional_loss(const Network& network, const Tensor& conditions, const Tensor& null_condition,
                        const Tensor& data, Generator& rng) const override;
  /// The squared error per element, without the adaptive weight, which would hide it. The ends of the intervals are
  /// drawn.
  Loss loss_at(const Network& network, const Tensor& conditions, const Tensor& null_condition, const Tensor& data,
               double progress, Generator& rng) const override;
  /// What u is at r = t: data - noise, or with guidance what replaces it, at the points of times t. A constant.
  Tensor training_velocity(const Network& network, const Tensor& conditions, const Tensor& null_condition,
                           const Tensor& data, const Tensor& noise, const std::vector<double>& t) const;
  /// Each sample's loss, [B], at given intervals and noise. `velocity`: see training_velocity.
  Tensor loss_terms(const Denoiser& model, const Tensor& data, const Intervals& intervals, const Tensor& noise,
                    const Tensor& velocity) const;
  /// The network's average velocity at x [B, ...], from t to r.
  Tensor average_velocity(const Denoiser& model, const Tensor& x, double t, double r) const;

  double progress(double t) const override { return flow_.progress(t); }

 private:
  Tensor network_times(const std::vector<double>& begin, const std::vector<double>& end, const Tensor& like) const;

  Flow flow_;
  MeanFlowConfig config_;
};

}  // namespace ditharos::models
