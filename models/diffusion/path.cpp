#include <ditharos/models/diffusion/path.h>

#include <cmath>
#include <limits>
#include <numbers>

#include <ditharos/tensor/error.h>

namespace ditharos::models {
namespace {

constexpr double quarter_turn = std::numbers::pi / 2;
// The vp path's beta at data and at noise.
constexpr double beta_data = .1, beta_noise = 20, beta_slope = beta_noise - beta_data;

/// beta / 2 of the vp path at t, which is the derivative of its log alpha.
double half_beta(double t) { return .5 * (beta_data + (1 - t) * beta_slope); }

/// log alpha of the vp path: minus the integral of half_beta from t to 1.
double vp_log_alpha(double t) {
  const double s = 1 - t;
  return -.25 * s * s * beta_slope - .5 * s * beta_data;
}

}  // namespace

const char* name_of(PathKind kind) {
  constexpr const char* names[] = {"linear", "gvp", "vp"};
  return names[static_cast<int>(kind)];
}

PathPoint point_of_a_bar(double a_bar) {
  check<ConfigError>(a_bar >= 0 && a_bar <= 1, "[point_of_a_bar] alpha-bar must be in [0, 1], got ", a_bar);
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  return {std::sqrt(a_bar), std::sqrt(1 - a_bar), none, none};
}

double Path::alpha(double t) const {
  switch (kind_) {
    case PathKind::linear: return t;
    case PathKind::gvp: return std::sin(quarter_turn * t);
    case PathKind::vp: break;
  }
  return std::exp(vp_log_alpha(t));
}

double Path::sigma(double t) const {
  switch (kind_) {
    case PathKind::linear: return 1 - t;
    case PathKind::gvp: return std::sin(quarter_turn * (1 - t));  // exactly 0 at t = 1, unlike the cosine of t
    case PathKind::vp: break;
  }
  return std::sqrt(-std::expm1(2 * vp_log_alpha(t)));
}

double Path::d_alpha(double t) const {
  switch (kind_) {
    case PathKind::linear: return 1;
    case PathKind::gvp: return quarter_turn * sigma(t);
    case PathKind::vp: break;
  }
  return half_beta(t) * alpha(t);
}

double Path::d_sigma(double t) const {
  switch (kind_) {
    case PathKind::linear: return -1;
    case PathKind::gvp: return -quarter_turn * alpha(t);
    case PathKind::vp: break;
  }
  const double a = alpha(t);
  return -half_beta(t) * a * a / sigma(t);  // sigma^2 = 1 - alpha^2
}

double Path::log_snr(double t) const {
  if (kind_ != PathKind::vp) return 2 * (std::log(alpha(t)) - std::log(sigma(t)));
  const double log_alpha2 = 2 * vp_log_alpha(t);
  return log_alpha2 - std::log(-std::expm1(log_alpha2));
}

double Path::time_at_log_snr(double log_snr) const {
  switch (kind_) {
    case PathKind::linear: return 1 / (1 + std::exp(-.5 * log_snr));
    case PathKind::gvp: return std::atan(std::exp(.5 * log_snr)) / quarter_turn;
    case PathKind::vp: break;
  }
  // alpha^2 = 1 / (1 + 1 / snr); then the positive root s = 1 - t of .25 slope s^2 + .5 beta_data s + log alpha = 0.
  const double over = -log_snr;
  const double log_alpha = -.5 * (over > 0 ? over + std::log1p(std::exp(-over)) : std::log1p(std::exp(over)));
  const double b = .5 * beta_data;
  return 1 + 2 * log_alpha / (b + std::sqrt(b * b - beta_slope * log_alpha));
}

double Path::d_log_alpha(double t) const {
  switch (kind_) {
    case PathKind::linear: return 1 / t;
    case PathKind::gvp: return quarter_turn * sigma(t) / alpha(t);
    case PathKind::vp: break;
  }
  return half_beta(t);
}

double Path::score_coefficient(double t) const {
  switch (kind_) {  // simplified, so that nothing cancels
    case PathKind::linear: return (1 - t) / t;
    case PathKind::gvp: return quarter_turn * sigma(t) / alpha(t);
    case PathKind::vp: break;
  }
  return half_beta(t);
}

}  // namespace ditharos::models
