#pragma once
// Denoising diffusion (Ho et al. 2020) with a learned range of the variance (Nichol and Dhariwal 2021), as DiT uses it.
#include <string>

#include <ditharos/models/diffusion/objective.h>
#include <ditharos/models/diffusion/schedule.h>

namespace ditharos::models {

enum class Variance {
  learned_range,  ///< the network's second half of channels chooses between the two below, in log space
  fixed_large,    ///< beta
  fixed_small     ///< the posterior's variance
};

struct GaussianConfig {
  BetaSchedule schedule = BetaSchedule::linear;
  int64_t steps = 1000;
  std::string respacing = "";  ///< see respaced_steps; "" keeps all
  Variance variance = Variance::learned_range;

  friend bool operator==(const GaussianConfig&, const GaussianConfig&) = default;
};

/// Steps t count from 0 (almost data) to steps() - 1 (almost noise). The network predicts the noise in x_t; its input
/// is the step's number in the original process. Training uses all steps, sampling may use a respaced subset.
class GaussianDiffusion : public Objective {
 public:
  explicit GaussianDiffusion(const GaussianConfig& config = {});

  int64_t steps() const { return tables_.steps(); }
  const DiffusionTables& tables() const { return tables_; }
  /// The network's input for step t: its number in the original process.
  double network_time(int64_t t) const { return double(tables_.original_step[size_t(t)]); }

  /// x_t = sqrt(a_bar) x_0 + sqrt(1 - a_bar) noise; t i64 [B].
  Tensor q_sample(const Tensor& x0, const Tensor& t, const Tensor& noise) const;
  /// Mean of q(x_{t-1} | x_t, x_0).
  Tensor posterior_mean(const Tensor& x0, const Tensor& xt, const Tensor& t) const;

  struct Prediction {
    Tensor noise, x0;           ///< predicted by the network
    Tensor mean, log_variance;  ///< of p(x_{t-1} | x_t)
  };
  /// The network's output at x_t, interpreted. `clip` limits x0 to [-1, 1], and the noise with it: for pixels only.
  Prediction predict(const Tensor& output, const Tensor& xt, const Tensor& t, bool clip = false) const;

  /// Squared error of the noise, plus, with a learned variance, the variational bound in bits, whose gradient reaches
  /// the variance alone (Nichol and Dhariwal 2021, section 3.1).
  Loss loss(const Denoiser& model, const Tensor& data, Generator& rng) const override;
  /// One sample's loss terms, [B] each; `vb` is undefined when the variance is fixed.
  struct Terms {
    Tensor mse, vb;
  };
  /// The same for given steps (i64 [B]) and noise (data's shape).
  Terms loss_terms(const Denoiser& model, const Tensor& data, const Tensor& t, const Tensor& noise) const;
  double progress(double t) const override { return 1 - (t + 1) / double(config_.steps); }

  /// The tables' entries at steps t, ready to broadcast over x. ShapeError or Error when t does not fit.
  Tensor at(const std::vector<double>& table, const Tensor& t, const Tensor& x) const;

 private:
  Tensor variational_bound(const Prediction& p, const Tensor& data, const Tensor& xt, const Tensor& t) const;

  GaussianConfig config_;
  DiffusionTables tables_;
  std::vector<double> log_beta_, sqrt_a_bar_, sqrt_noise_;  // sqrt_noise_: sqrt(1 - a_bar)
  std::vector<double> x0_from_xt_, x0_from_noise_;          // 1 / sqrt(a_bar), sqrt(1 / a_bar - 1)
  std::vector<double> fixed_large_;
};

}  // namespace ditharos::models
