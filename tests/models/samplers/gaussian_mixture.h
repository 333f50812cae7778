#pragma once
// A mixture of normal distributions on the line, whose score is known along every path: an exact network for tests.
#include <vector>

#include <ditharos/models/diffusion/path.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::tests {

class GaussianMixture {
 public:
  struct Component {
    double weight, mean, deviation;
  };
  /// Two components of different widths, with two modes.
  GaussianMixture();

  /// The expected data and noise at x = alpha data + sigma noise; f64 of any shape -> like x.
  Tensor data(const Tensor& x, const models::PathPoint& point) const { return expectation(x, point, true); }
  Tensor noise(const Tensor& x, const models::PathPoint& point) const { return expectation(x, point, false); }
  /// alpha' data + sigma' noise.
  Tensor velocity(const Tensor& x, const models::PathPoint& point) const;

  double mean() const;
  double variance() const;
  /// The probability of a value below x.
  double below(double x) const;

 private:
  Tensor expectation(const Tensor& x, const models::PathPoint& point, bool of_data) const;

  std::vector<Component> components_;
};

}  // namespace ditharos::tests
