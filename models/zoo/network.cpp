#include <ditharos/models/zoo/network.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/autoencoder/kl.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/text/t5.h>
#include <ditharos/models/zoo/inputs.h>
#include <ditharos/nn/init.h>

namespace ditharos::models {
namespace {

class TransformerNetwork : public PublishedNetwork {
 public:
  /// `half_output` keeps the first half of the channels. With `channels_first` clips are [B, C, F, H, W].
  TransformerNetwork(const DiTConfig& config, bool half_output, bool channels_first, Generator& rng)
      : half_output_(half_output), channels_first_(channels_first), model_(config, rng) {}

  nn::ModuleBase& module() override { return model_; }
  TensorsByName run(const TensorsByName& inputs) const override {
    const DiTConfig& config = model_.config();
    const Tensor x = floats_input(inputs, "x");
    const Tensor t = times_input(inputs, x.rank() > 0 ? x.size(0) : 0);
    DiTCondition condition;
    if (config.condition() == Condition::label) condition.conditions = labels_input(inputs, "y");
    if (config.condition() == Condition::text_embedding) condition.conditions = floats_input(inputs, "text");
    if (config.condition() == Condition::text) condition.text = floats_input(inputs, "text");
    if (config.condition() == Condition::text) condition.text_mask = mask_input(inputs);
    if (config.pooled_projection_dim > 0) condition.pooled = floats_input(inputs, "pooled");
    if (config.size_conditions) condition.resolution = floats_input(inputs, "resolution");
    if (config.size_conditions) condition.aspect_ratio = floats_input(inputs, "aspect_ratio");
    Tensor out = model_(swapped(x), t, condition);
    if (half_output_) out = slice(out, -3, 0, config.channels);
    return {{"out", swapped(out)}};
  }
  std::set<std::string> inputs() const override {
    const DiTConfig& config = model_.config();
    std::set<std::string> names{"x", "t"};
    if (config.condition() == Condition::label) names.insert("y");
    if (config.condition() == Condition::text_embedding) names.insert("text");
    if (config.condition() == Condition::text) names.insert({"text", "mask"});
    if (config.pooled_projection_dim > 0) names.insert("pooled");
    if (config.size_conditions) names.insert({"resolution", "aspect_ratio"});
    return names;
  }

 private:
  Tensor swapped(const Tensor& clips) const {
    return channels_first_ && clips.rank() == 5 ? transpose(clips, 1, 2) : clips;
  }

  bool half_output_, channels_first_;
  DiT model_;
};

class AutoencoderNetwork : public PublishedNetwork {
 public:
  AutoencoderNetwork(const AutoencoderKLConfig& config, Generator& rng) : model_(config, rng) {}

  nn::ModuleBase& module() override { return model_; }
  std::string differentiated() const override { return "decoded"; }
  std::set<std::string> inputs() const override { return {"x"}; }
  TensorsByName run(const TensorsByName& inputs) const override {
    const LatentDistribution latents = model_.encode(floats_input(inputs, "x"));
    return {{"mean", latents.mean}, {"logvar", latents.log_variance}, {"decoded", model_.decode(latents.mode())}};
  }

 private:
  AutoencoderKL model_;
};

class TextNetwork : public PublishedNetwork {
 public:
  TextNetwork(const T5Config& config, Generator& rng) : model_(config, rng) {}

  nn::ModuleBase& module() override { return model_; }
  TensorsByName run(const TensorsByName& inputs) const override {
    return {{"out", model_(labels_input(inputs, "text"), mask_input(inputs))}};
  }
  std::set<std::string> inputs() const override { return {"text", "mask"}; }

 private:
  T5Encoder model_;
};

}  // namespace

std::unique_ptr<PublishedNetwork> make_network(const RecognizedModel& description) {
  Generator rng(0);
  const nn::SkipInit skip_init;
  if (const auto* config = std::get_if<DiTConfig>(&description.config)) {
    const bool halves = description.family == ModelFamily::sit || description.family == ModelFamily::lightning_dit;
    const bool channels_first = description.family == ModelFamily::latte && description.layout == Layout::diffusers;
    return std::make_unique<TransformerNetwork>(*config, halves && config->learn_sigma, channels_first, rng);
  }
  if (const auto* config = std::get_if<AutoencoderKLConfig>(&description.config))
    return std::make_unique<AutoencoderNetwork>(*config, rng);
  return std::make_unique<TextNetwork>(std::get<T5Config>(description.config), rng);
}

}  // namespace ditharos::models
