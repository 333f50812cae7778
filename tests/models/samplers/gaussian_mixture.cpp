#include "tests/models/samplers/gaussian_mixture.h"

#include <cmath>

#include <ditharos/autograd/ops.h>

namespace ditharos::tests {

GaussianMixture::GaussianMixture() : components_{{.6, -1, .6}, {.4, 1.2, .5}} {}

Tensor GaussianMixture::expectation(const Tensor& x, const models::PathPoint& point, bool of_data) const {
  const double a = point.alpha, s = point.sigma;
  std::vector<double> result;
  for (const double v : x.to_vector<double>()) {
    double total = 0, sum = 0;
    for (const auto& [weight, mean, deviation] : components_) {
      const double variance = a * a * deviation * deviation + s * s, off = v - a * mean;
      const double density = weight / std::sqrt(variance) * std::exp(-.5 * off * off / variance);
      total += density;
      sum += density * (of_data ? mean + a * deviation * deviation / variance * off : s / variance * off);
    }
    result.push_back(sum / total);
  }
  return from_vector(result, x.shape());
}

Tensor GaussianMixture::velocity(const Tensor& x, const models::PathPoint& point) const {
  return data(x, point) * point.d_alpha + noise(x, point) * point.d_sigma;
}

double GaussianMixture::mean() const {
  double sum = 0;
  for (const auto& c : components_) sum += c.weight * c.mean;
  return sum;
}

double GaussianMixture::variance() const {
  double sum = 0;
  for (const auto& c : components_) sum += c.weight * (c.mean * c.mean + c.deviation * c.deviation);
  return sum - mean() * mean();
}

double GaussianMixture::below(double x) const {
  double sum = 0;
  for (const auto& c : components_) sum += c.weight * .5 * std::erfc((c.mean - x) / (c.deviation * std::sqrt(2.)));
  return sum;
}

}  // namespace ditharos::tests
