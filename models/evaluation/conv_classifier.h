#pragma once
// A small convolutional classifier of images. The Frechet distance of generated images is measured on its features.
#include <vector>

#include <ditharos/nn/conv.h>
#include <ditharos/nn/linear.h>
#include <ditharos/nn/norm.h>

namespace ditharos::models {

struct ClassifierConfig {
  int64_t channels = 1, height = 28, width = 28;  ///< of an image
  int64_t classes = 10;
  int64_t features = 64;  ///< width of the layer before the last

  /// Throws ConfigError unless every size is at least 1.
  void validate() const;
};

/// A convolution with stride 2, LayerNorm over the channels of each pixel, GELU; [B, in, H, W] -> [B, out, H/2, W/2],
/// halves rounded up.
class ConvBlock : public nn::Module<ConvBlock> {
 public:
  ConvBlock() = default;
  /// `kernel` is odd.
  ConvBlock(int64_t in, int64_t out, int64_t kernel, Generator& rng);

  Tensor forward(const Tensor& x) const;
  void visit(nn::Visitor& v) override;

 private:
  nn::Conv2d conv_;
  nn::LayerNorm norm_;
};

/// Three such blocks, then two linear layers with a GELU between them.
class ConvClassifier : public nn::Module<ConvClassifier> {
 public:
  ConvClassifier(const ClassifierConfig& config, Generator& rng);

  /// The outputs of the blocks, [B, width, H', W'] each; images [B, C, H, W] of any size. ShapeError for other
  /// channels.
  std::vector<Tensor> activations(const Tensor& images) const;
  /// The inputs of the last layer; images [B, C, H, W] in [-1, 1] -> [B, features]. ShapeError for images of another
  /// size.
  Tensor features(const Tensor& images) const;
  /// Unnormalised log-probabilities of the classes, from features [B, features] -> [B, classes].
  Tensor logits(const Tensor& features) const { return head_(features); }
  Tensor forward(const Tensor& images) const { return logits(features(images)); }
  void visit(nn::Visitor& v) override;

  const ClassifierConfig& config() const { return config_; }

 private:
  ClassifierConfig config_;
  std::vector<ConvBlock> blocks_;
  nn::Linear neck_, head_;
};

}  // namespace ditharos::models
