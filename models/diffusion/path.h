#pragma once
// The paths from noise to data of SiT (Ma et al. 2024): x_t = alpha(t) data + sigma(t) noise, from noise at t = 0 to
// data at t = 1.

namespace ditharos::models {

enum class PathKind {
  linear,  ///< alpha = t, sigma = 1 - t: rectified flow (Liu et al. 2023)
  gvp,     ///< alpha = sin(pi t / 2), sigma = cos(pi t / 2): generalized variance preserving
  vp       ///< variance preserving (Song et al. 2021): beta grows linearly from data to noise, from .1 to 20
};
/// "linear", "gvp" or "vp".
[[nodiscard]] const char* name_of(PathKind kind);

/// The coefficients of x_t = alpha data + sigma noise at one time, and their derivatives in t. The derivatives are NaN
/// where there is no continuous time, as in the tables of GaussianDiffusion.
struct PathPoint {
  double alpha, sigma, d_alpha, d_sigma;

  /// The signal-to-noise ratio alpha^2 / sigma^2; infinite for data.
  double snr() const { return alpha * alpha / (sigma * sigma); }
};

/// The point of a discrete variance-preserving process: alpha = sqrt(a_bar), sigma = sqrt(1 - a_bar), without
/// derivatives. a_bar in [0, 1].
[[nodiscard]] PathPoint point_of_a_bar(double a_bar);

/// All in double, for t in [0, 1].
class Path {
 public:
  Path() = default;  ///< the linear path
  explicit Path(PathKind kind) : kind_(kind) {}

  PathKind kind() const { return kind_; }

  double alpha(double t) const;
  double sigma(double t) const;
  double d_alpha(double t) const;
  /// Infinite at t = 1 of the vp path.
  double d_sigma(double t) const;
  PathPoint at(double t) const { return {alpha(t), sigma(t), d_alpha(t), d_sigma(t)}; }

  /// log(alpha^2 / sigma^2), which grows with t; -infinity where alpha is 0, infinity at t = 1. Half of it is the
  /// lambda of DPM-Solver (Lu et al. 2022).
  double log_snr(double t) const;
  /// The time at which log_snr has this value. The vp path begins at log_snr(0) = -10.05: values below give t < 0.
  double time_at_log_snr(double log_snr) const;

  /// alpha' / alpha. The process from data to noise, in s = 1 - t, has the drift -d_log_alpha x. Infinite at t = 0 of
  /// the linear and gvp paths.
  double d_log_alpha(double t) const;
  /// d_log_alpha sigma^2 - sigma sigma': half the squared diffusion coefficient of that process. With it,
  ///   velocity = d_log_alpha x + score_coefficient score        (Ma et al. 2024).
  /// Infinite at t = 0 of the linear and gvp paths.
  double score_coefficient(double t) const;

  friend bool operator==(const Path&, const Path&) = default;

 private:
  PathKind kind_ = PathKind::linear;
};

}  // namespace ditharos::models
