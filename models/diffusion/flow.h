#pragma once
// Flows from noise to data along a path: rectified flow (Liu et al. 2023) by default, and the other paths, predictions
// and loss weights of SiT (Ma et al. 2024).
#include <ditharos/models/diffusion/objective.h>
#include <ditharos/models/diffusion/prediction.h>

namespace ditharos::models {

/// The distribution of the times in training.
enum class TimeSampling {
  uniform,       ///< on [0, 1)
  logit_normal,  ///< sigmoid of a normal variable: more of the middle, where the task is hard (Esser et al. 2024,
                 ///< section 3.1)
  mode           ///< u + mode_scale (cos^2(pi u / 2) - 1 + u) of a uniform u (Esser et al. 2024, equation 20)
};

/// The weight of a sample's loss by its time, when the network predicts the score or the noise (Ma et al. 2024). With g
/// = Path::score_coefficient:
enum class LossWeighting {
  none,       ///< 1
  velocity,   ///< (g / sigma)^2: the loss is that of the velocity
  likelihood  ///< g / sigma^2: a bound of the likelihood (Song et al. 2021)
};

/// The shift for data of `pixels`, when `base_pixels` need none: sqrt(pixels / base_pixels) (Esser et al. 2024,
/// equation 23). Either both are tokens or both are pixels. ConfigError unless both are positive.
[[nodiscard]] double resolution_shift(int64_t pixels, int64_t base_pixels);

struct FlowConfig {
  PathKind path = PathKind::linear;
  PredictionKind prediction = PredictionKind::velocity;
  LossWeighting weighting = LossWeighting::none;
  TimeSampling time_sampling = TimeSampling::uniform;
  /// logit_normal: mean and standard deviation of the normal variable. A positive mean draws times near data; Esser et
  /// al. count t from data, so that their means have the opposite sign.
  double logit_mean = 0, logit_scale = 1;
  /// mode: in [-1, 2 / (pi - 2)]. Positive: more of the middle; Esser et al. use 1.29.
  double mode_scale = 1.29;
  /// The network is given t * time_scale. With SiT's 1 most sinusoidal features of t are almost constant; 1000 spreads
  /// them as in DDPM. Training and sampling must agree.
  double time_scale = 1;
  /// Moves the times of training and of sampling towards noise: t becomes t / (t + time_shift (1 - t)) (Esser et al.
  /// 2024, equation 23, with t counted from noise). 1: no shift. Clips and large images are redundant, so their content
  /// remains visible through more noise than that of a small image. Without a shift, times at which the content is
  /// decided by the condition are then too rare.
  double time_shift = 1;
  /// When positive, time_shift is multiplied by resolution_shift(pixels, shift_base_pixels), where `pixels` is the
  /// number of pixels (or of positions of a latent) of one sample.
  int64_t shift_base_pixels = 0, pixels = 0;
  /// How far the times of training and of sampling stay away from the ends of the path at which the prediction is
  /// singular. 0: SiT's values, which are 1e-5 in training and 1e-3 in sampling for the vp path, 1e-3 in both for other
  /// paths with a prediction other than velocity and v, and otherwise 0.
  double train_eps = 0, sample_eps = 0;

  /// The shift of the times, from time_shift and the resolution.
  double shift() const;
  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;
  friend bool operator==(const FlowConfig&, const FlowConfig&) = default;
};

/// Times from `begin` to `end` of a path.
struct TimeInterval {
  double begin = 0, end = 1;
};

/// x_t = alpha(t) data + sigma(t) noise, from noise at t = 0 to data at t = 1. With the default configuration, x_t =
/// (1 - t) noise + t data, and the network predicts the velocity data - noise.
class Flow : public Objective {
 public:
  explicit Flow(const FlowConfig& config = {});

  const FlowConfig& config() const { return config_; }
  const Path& path() const { return path_; }

  /// t after the shift.
  double shifted(double t) const;
  /// The times at which the network is trained, and those between which the differential equation is solved.
  TimeInterval training_interval() const;
  TimeInterval sampling_interval() const;
  /// Times of n samples, in double: [n].
  std::vector<double> sample_times(int64_t n, Generator& rng) const;
  /// The times between which a sampler's steps lie: [steps + 1], from the beginning of the sampling interval, or from
  /// `begin` in [0, 1) where that is later, to its end. Even, then shifted.
  std::vector<double> sampling_times(int64_t steps, double begin = 0) const;
  /// The point on the path at each sample's time.
  Tensor interpolate(const Tensor& data, const Tensor& noise, const std::vector<double>& t) const;
  /// Mean squared error of the prediction, weighted; a score's error is first multiplied by sigma.
  Loss loss(const Denoiser& model, const Tensor& data, Generator& rng) const override;
  Loss loss_at(const Network& network, const Tensor& conditions, const Tensor& null_condition, const Tensor& data,
               double progress, Generator& rng) const override;
  /// Each sample's error, [B], at given times and noise.
  Tensor loss_terms(const Denoiser& model, const Tensor& data, const std::vector<double>& t, const Tensor& noise) const;
  /// The network's prediction at x [B, ...], all at time t in [0, 1], converted to `kind`. ConfigError at the ends of
  /// the path, where the network's kind does not determine that one.
  Tensor predict(const Denoiser& model, const Tensor& x, double t, PredictionKind kind) const;
  /// The velocity at x: that of predict().
  Tensor velocity(const Denoiser& model, const Tensor& x, double t) const {
    return predict(model, x, t, PredictionKind::velocity);
  }
  double progress(double t) const override { return t / config_.time_scale; }
  /// The network's input for the time t in [0, 1].
  double network_time(double t) const { return t * config_.time_scale; }

 private:
  TimeInterval interval(double eps, double usual) const;
  Tensor network_times(const std::vector<double>& t) const;

  FlowConfig config_;
  Path path_;
};

}  // namespace ditharos::models
