#pragma once
// A distance between images that counts what a classifier sees in them.
#include <ditharos/models/evaluation/conv_classifier.h>
#include <ditharos/nn/frozen.h>

namespace ditharos::models {

/// The squared distance of the activations of a frozen classifier, as LPIPS compares them (Zhang et al. 2018, "The
/// Unreasonable Effectiveness of Deep Features as a Perceptual Metric", equation 1): after each convolutional block,
/// the channels of a pixel are scaled to unit length. The distance is summed over channels, averaged over pixels and
/// summed over blocks, all with weight 1.
class PerceptualLoss {
 public:
  /// Takes a copy of the classifier, which is not trained.
  explicit PerceptualLoss(const ConvClassifier& classifier) : classifier_(classifier) {}

  /// Images [N, C, H, W] of any size in [-1, 1], with the classifier's channels -> [N]. A classifier of one channel
  /// sees the mean of three. ShapeError for others.
  Tensor operator()(const Tensor& images, const Tensor& targets) const;

 private:
  nn::Frozen<ConvClassifier> classifier_;
};

}  // namespace ditharos::models
