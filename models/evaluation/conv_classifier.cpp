#include <ditharos/models/evaluation/conv_classifier.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {

void ClassifierConfig::validate() const {
  check<ConfigError>(channels >= 1 && height >= 1 && width >= 1, "a classifier cannot classify images of ", channels,
                     " channels and ", height, "x", width, " pixels");
  check<ConfigError>(classes >= 1 && features >= 1, "a classifier needs classes and features, got ", classes, " and ",
                     features);
}

ConvBlock::ConvBlock(int64_t in, int64_t out, int64_t kernel, Generator& rng)
    : conv_(in, out, kernel, 2, kernel / 2, rng), norm_(out) {}

Tensor ConvBlock::forward(const Tensor& x) const {
  const Tensor pixels = permute(conv_(x), {0, 2, 3, 1});  // [B, H/2, W/2, out]
  return permute(gelu(norm_(pixels)), {0, 3, 1, 2});
}

void ConvBlock::visit(nn::Visitor& v) {
  v("conv", conv_);
  v("norm", norm_);
}

ConvClassifier::ConvClassifier(const ClassifierConfig& config, Generator& rng) : config_(config) {
  config.validate();
  constexpr int64_t widths[] = {32, 64, 64}, kernels[] = {5, 3, 3};
  int64_t channels = config.channels, height = config.height, width = config.width;
  for (int i = 0; i < 3; ++i) {
    blocks_.emplace_back(channels, widths[i], kernels[i], rng);
    channels = widths[i];
    height = (height + 1) / 2;
    width = (width + 1) / 2;
  }
  neck_ = nn::Linear(channels * height * width, config.features, rng);
  head_ = nn::Linear(config.features, config.classes, rng);
  head_.keep_f32();
}

std::vector<Tensor> ConvClassifier::activations(const Tensor& images) const {
  check<ShapeError>(images.rank() == 4 && images.size(1) == config_.channels,
                    "[ConvClassifier] images must have shape [B, ", config_.channels, ", H, W], got ", images.shape());
  std::vector<Tensor> outputs;
  for (const ConvBlock& block : blocks_) outputs.push_back(block(outputs.empty() ? images : outputs.back()));
  return outputs;
}

Tensor ConvClassifier::features(const Tensor& images) const {
  const bool fits = images.rank() == 4 && images.size(1) == config_.channels && images.size(2) == config_.height &&
                    images.size(3) == config_.width;
  check<ShapeError>(fits, "[ConvClassifier] images must have shape [B, ", config_.channels, ", ", config_.height, ", ",
                    config_.width, "], got ", images.shape());
  const Tensor x = activations(images).back();
  return gelu(neck_(reshape(x, {x.size(0), -1})));
}

void ConvClassifier::visit(nn::Visitor& v) {
  v("blocks", blocks_);
  v("neck", neck_);
  v("head", head_);
}

}  // namespace ditharos::models
