#include <ditharos/models/autoencoder/perceptual.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

/// Each pixel's channels [N, C, H, W] as a vector of length 1, or shorter where all are near zero.
Tensor unit_length(const Tensor& x) {
  constexpr double smallest = 1e-10;  // keeps the derivative of the root finite
  return x * rsqrt(sum(square(x), {1}, true) + smallest);
}

}  // namespace

Tensor PerceptualLoss::operator()(const Tensor& images, const Tensor& targets) const {
  check<ShapeError>(images.shape() == targets.shape(), "[PerceptualLoss] images ", images.shape(), " and targets ",
                    targets.shape(), " must have one shape");
  const bool gray = classifier_->config().channels == 1 && images.rank() == 4 && images.size(1) == 3;
  const auto seen = [gray](const Tensor& x) { return gray ? mean(x, {1}, true) : x; };
  const std::vector<Tensor> a = classifier_->activations(seen(images)), b = classifier_->activations(seen(targets));
  Tensor total;
  for (size_t i = 0; i < a.size(); ++i) {
    const Tensor distance = mean(sum(square(unit_length(a[i]) - unit_length(b[i])), {1}), {1, 2});  // [N]
    total = total.defined() ? total + distance : distance;
  }
  return total;
}

}  // namespace ditharos::models
