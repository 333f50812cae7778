#include <ditharos/models/autoencoder/latents.h>

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

/// One value per channel, as a tensor that broadcasts over [..., C, H, W].
Tensor per_channel(const Tensor& values) { return reshape(values, {-1, 1, 1}); }

}  // namespace

Tensor LatentDistribution::sample(Generator& rng) const {
  return mean + exp(log_variance * .5) * rng.normal(mean.shape(), mean.dtype());
}

Tensor LatentDistribution::kl_divergence() const {
  return ditharos::mean(square(mean) + expm1(log_variance) - log_variance) * .5;
}

LatentNorm::LatentNorm(int64_t channels, double mean, double standard_deviation)
    : mean_(full({channels}, mean)), std_(full({channels}, standard_deviation)) {}

Tensor LatentNorm::normalize(const Tensor& latents) const { return (latents - per_channel(mean_)) / per_channel(std_); }

Tensor LatentNorm::denormalize(const Tensor& latents) const { return latents * per_channel(std_) + per_channel(mean_); }

void LatentNorm::set(const Tensor& mean, const Tensor& standard_deviation) {
  const auto check_statistic = [&](const char* what, const Tensor& x, double lowest) {
    check<ShapeError>(x.shape() == mean_.shape(), "[LatentNorm] the latents' ", what, " must have shape ",
                      mean_.shape(), ", got ", x.shape());
    for (const double v : x.to_vector<double>()) {
      check(std::isfinite(v) && v > lowest, "[LatentNorm] ", v, " cannot be the ", what, " of a latent channel");
    }
  };
  check_statistic("mean", mean, -HUGE_VAL);
  check_statistic("standard deviation", standard_deviation, 0);
  const std::vector<float> means = mean.to_vector<float>(), deviations = standard_deviation.to_vector<float>();
  std::copy(means.begin(), means.end(), mean_.mutable_data<float>());
  std::copy(deviations.begin(), deviations.end(), std_.mutable_data<float>());
}

void LatentNorm::visit(nn::Visitor& v) {
  v.buffer("latent_mean", mean_);
  v.buffer("latent_std", std_);
}

void LatentStatistics::add(const Tensor& latents) {
  check<ShapeError>(latents.rank() == 5 && latents.size(2) == int64_t(sum_.size()),
                    "[LatentStatistics] latents must have shape [B, F, ", sum_.size(), ", H, W], got ",
                    latents.shape());
  const std::vector<double> values = latents.to_vector<double>();
  const size_t plane = size_t(latents.size(3) * latents.size(4));
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t channel = i / plane % sum_.size();
    sum_[channel] += values[i];
    sum_of_squares_[channel] += values[i] * values[i];
  }
  count_ += latents.numel() / latents.size(2);
}

Tensor LatentStatistics::mean() const {
  check(count_ > 0, "[LatentStatistics] no latents were added");
  std::vector<float> result;
  for (const double s : sum_) result.push_back(float(s / double(count_)));
  return from_vector(result);
}

Tensor LatentStatistics::standard_deviation() const {
  check(count_ > 0, "[LatentStatistics] no latents were added");
  std::vector<float> result;
  for (size_t c = 0; c < sum_.size(); ++c) {
    const double m = sum_[c] / double(count_);
    result.push_back(float(std::sqrt(std::max(0.0, sum_of_squares_[c] / double(count_) - m * m))));
  }
  return from_vector(result);
}

}  // namespace ditharos::models
