#pragma once
// Denoising diffusion (Ho et al. 2020) with a learned range of the variance (Nichol and Dhariwal 2021), as DiT uses it.
#include <string>

#include <ditharos/models/diffusion/objective.h>
#include <ditharos/models/diffusion/prediction.h>
#include <ditharos/models/diffusion/schedule.h>

namespace ditharos::models {

enum class Variance {
  learned_range,  ///< the network's second half of channels chooses between the two below, in log space
  fixed_large,    ///< beta
  fixed_small     ///< the posterior's variance
};

/// The loss of a step (Nichol and Dhariwal 2021). The bound is the variational bound's term of that step, in bits.
enum class GaussianLoss {
  mse,           ///< squared error of the prediction; with a learned variance the hybrid loss, which adds the bound
                 ///< as a function of the variance alone
  rescaled_mse,  ///< the same with the bound times steps / 1000
  kl,            ///< the bound alone, which trains mean and variance
  rescaled_kl    ///< the bound times the number of steps: an estimate of the whole bound
};

struct GaussianConfig {
  BetaSchedule schedule = BetaSchedule::linear;
  int64_t steps = 1000;
  std::string respacing = "";  ///< see respaced_steps; "" keeps all
  Variance variance = Variance::learned_range;
  bool zero_terminal_snr = false;                   ///< see rescale_zero_terminal_snr; not with a prediction of eps
  PredictionKind prediction = PredictionKind::eps;  ///< eps, x0 or v
  GaussianLoss loss = GaussianLoss::mse;
  /// When positive, the squared error is weighted so that it is min(SNR, gamma) times the squared error of x0 (Hang et
  /// al. 2023; they use 5). 0: the prediction's own squared error.
  double min_snr_gamma = 0;

  /// Throws ConfigError with one sentence that says what does not fit. The schedule's own limits are make_betas'.
  void validate() const;
  friend bool operator==(const GaussianConfig&, const GaussianConfig&) = default;
};

/// Steps t count from 0 (almost data) to steps() - 1 (almost noise). The network predicts noise, data or v at x_t; its
/// input is the step's number in the original process. Training uses all steps, sampling may use a respaced subset.
class GaussianDiffusion : public Objective {
 public:
  explicit GaussianDiffusion(const GaussianConfig& config = {});

  int64_t steps() const { return tables_.steps(); }
  const GaussianConfig& config() const { return config_; }
  const DiffusionTables& tables() const { return tables_; }
  /// alpha = sqrt(a_bar) and sigma = sqrt(1 - a_bar) of step t, for convert(). Error unless t is in [0, steps()).
  const PathPoint& point(int64_t t) const;
  /// The network's input for step t: its number in the original process.
  double network_time(int64_t t) const { return double(tables_.original_step[size_t(t)]); }

  /// x_t = sqrt(a_bar) x_0 + sqrt(1 - a_bar) noise; t i64 [B].
  Tensor q_sample(const Tensor& x0, const Tensor& t, const Tensor& noise) const;
  /// Mean of q(x_{t-1} | x_t, x_0).
  Tensor posterior_mean(const Tensor& x0, const Tensor& xt, const Tensor& t) const;

  struct Prediction {
    Tensor output;              ///< of the configured kind: the network's output without the channels of the variance
    Tensor noise, x0;           ///< that follow from it
    Tensor mean, log_variance;  ///< of p(x_{t-1} | x_t)
  };
  /// The network's output at x_t, interpreted. `clip` limits x0 to [-1, 1], and the noise with it: for pixels only.
  Prediction predict(const Tensor& output, const Tensor& xt, const Tensor& t, bool clip = false) const;
  /// The variational bound's term of step t, [B] in bits per dimension: the divergence of p from q(x_{t-1} | x_t, x_0),
  /// and at step 0 the negative log-likelihood of `data` as pixels in [-1, 1].
  Tensor bound(const Prediction& p, const Tensor& data, const Tensor& xt, const Tensor& t) const;

  /// The configured loss at steps drawn uniformly.
  Loss loss(const Denoiser& model, const Tensor& data, Generator& rng) const override;
  Loss loss_at(const Network& network, const Tensor& conditions, const Tensor& null_condition, const Tensor& data,
               double progress, Generator& rng) const override;
  /// One sample's loss terms, [B] each. `vb` is the bound in bits, rescaled if so configured; it is undefined when the
  /// variance is fixed and the loss a squared error. `loss` is what is trained; `mse` is without weight.
  struct Terms {
    Tensor mse, vb, loss;
  };
  /// The same for given steps (i64 [B]) and noise (data's shape).
  Terms loss_terms(const Denoiser& model, const Tensor& data, const Tensor& t, const Tensor& noise) const;
  /// The weight of the squared error at step t, from min_snr_gamma.
  double loss_weight(int64_t t) const;
  double progress(double t) const override { return 1 - (t + 1) / double(config_.steps); }

  /// The tables' entries at steps t, ready to broadcast over x. ShapeError or Error when t does not fit.
  Tensor at(const std::vector<double>& table, const Tensor& t, const Tensor& x) const;

 private:
  Loss loss_of_steps(const Denoiser& model, const Tensor& data, const Tensor& t, Generator& rng) const;
  Tensor network_times(const Tensor& t) const;
  std::vector<PathPoint> points_at(const Tensor& t) const;

  GaussianConfig config_;
  DiffusionTables tables_;
  std::vector<PathPoint> points_;
  std::vector<double> log_beta_, sqrt_a_bar_, sqrt_noise_;  // sqrt_noise_: sqrt(1 - a_bar)
  std::vector<double> x0_from_xt_, x0_from_noise_;          // 1 / sqrt(a_bar), sqrt(1 / a_bar - 1)
  std::vector<double> fixed_large_;
};

}  // namespace ditharos::models
