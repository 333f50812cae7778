#pragma once
// Rectified flow: straight paths from noise to data (Liu et al. 2023; SiT, Ma et al. 2024, with the linear path).
#include <ditharos/models/diffusion/objective.h>

namespace ditharos::models {

/// The distribution of the times in training.
enum class TimeSampling {
  uniform,      ///< on [0, 1)
  logit_normal  ///< sigmoid of N(0, 1): more of the middle, where the task is hard (Esser et al. 2024, section 3.1)
};

struct FlowConfig {
  TimeSampling time_sampling = TimeSampling::uniform;
  /// The network is given t * time_scale. With SiT's 1 most sinusoidal features of t are almost constant; 1000 spreads
  /// them as in DDPM. Training and sampling must agree.
  double time_scale = 1;
  /// Moves the times of training and of sampling towards noise: t becomes t / (t + time_shift (1 - t)) (Esser et al.
  /// 2024, equation 23, with t counted from noise). 1: no shift. Clips and large images are redundant, so their content
  /// remains visible through more noise than that of a small image. Without a shift, times at which the content is
  /// decided by the condition are then too rare.
  double time_shift = 1;

  /// Throws ConfigError unless scale and shift are positive.
  void validate() const;
  friend bool operator==(const FlowConfig&, const FlowConfig&) = default;
};

/// x_t = (1 - t) noise + t data, from noise at t = 0 to data at t = 1. The network predicts the velocity data - noise.
class RectifiedFlow : public Objective {
 public:
  explicit RectifiedFlow(const FlowConfig& config = {});

  /// t after the shift.
  double shifted(double t) const;
  /// Times of n samples, in double: [n].
  std::vector<double> sample_times(int64_t n, Generator& rng) const;
  /// The times between which a sampler's steps lie, from `begin` in [0, 1) to 1: [steps + 1]. Even, then shifted.
  std::vector<double> sampling_times(int64_t steps, double begin = 0) const;
  /// The point on the path at each sample's time.
  Tensor interpolate(const Tensor& data, const Tensor& noise, const std::vector<double>& t) const;
  /// Mean squared error of the velocity.
  Loss loss(const Denoiser& model, const Tensor& data, Generator& rng) const override;
  /// Each sample's error, [B], at given times and noise.
  Tensor loss_terms(const Denoiser& model, const Tensor& data, const std::vector<double>& t, const Tensor& noise) const;
  /// The network's velocity at x [B, ...], all at time t in [0, 1].
  Tensor velocity(const Denoiser& model, const Tensor& x, double t) const;
  double progress(double t) const override { return t / config_.time_scale; }
  /// The network's input for the time t in [0, 1].
  double network_time(double t) const { return t * config_.time_scale; }

 private:
  Tensor network_times(const std::vector<double>& t) const;

  FlowConfig config_;
};

}  // namespace ditharos::models
