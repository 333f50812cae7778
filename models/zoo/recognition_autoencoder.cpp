#include <ditharos/models/zoo/evidence.h>

namespace ditharos::models {
namespace {

constexpr int64_t published_groups = 32;

/// The names of one layout: of the resolutions of the encoder, of their residual blocks, of the middle attention.
struct Names {
  std::string down, block, mid_attention;
};

}  // namespace

RecognizedModel recognize_autoencoder(const NamedShapes& shapes, const RecognitionHints& hints) {
  RecognizedModel model;
  const Evidence e{shapes, hints, "an AutoencoderKL"};
  const bool compvis = shapes.count("encoder.down.") > 0;
  const Names names =
      compvis ? Names{"encoder.down.", ".block.", "encoder.mid.attn_1.norm.weight"}
              : Names{"encoder.down_blocks.", ".resnets.", "encoder.mid_block.attentions.0.group_norm.weight"};
  AutoencoderKLConfig config;
  config.in_channels = e.size("encoder.conv_in.weight", 4, 1);
  config.out_channels = e.size("decoder.conv_out.weight", 4, 0);
  config.latent_channels = e.size("decoder.conv_in.weight", 4, 1);
  config.block_out_channels.clear();
  const int64_t resolutions = shapes.count(names.down);
  for (int64_t i = 0; i < resolutions; ++i)
    config.block_out_channels.push_back(e.size(names.down + std::to_string(i) + names.block + "0.conv1.weight", 4, 0));
  config.layers_per_block = shapes.count(names.down + "0" + names.block);
  config.mid_block_add_attention = shapes.has(names.mid_attention);
  config.use_quant_conv = shapes.has("quant_conv.weight");
  config.use_post_quant_conv = shapes.has("post_quant_conv.weight");
  config.norm_num_groups = hints.config.integer("norm_num_groups").value_or(published_groups);
  config.scaling_factor = hints.config.number("scaling_factor").value_or(config.scaling_factor);
  config.shift_factor = hints.config.number("shift_factor").value_or(config.shift_factor);
  e.agree("in_channels", config.in_channels);
  e.agree("out_channels", config.out_channels);
  e.agree("latent_channels", config.latent_channels);
  e.agree("layers_per_block", config.layers_per_block);
  if (const auto given = hints.config.integers("block_out_channels"))
    check<ConfigError>(*given == config.block_out_channels, hints.config.source(), " says block_out_channels of other ",
                       "numbers than the tensors have");
  for (const int64_t channels : config.block_out_channels)
    check<ConfigError>(hints.config.has("norm_num_groups") || channels % published_groups == 0, "the shapes do not ",
                       "tell the groups of the group norms, and the published ", published_groups, " do not divide ",
                       channels, " channels: give a configuration with norm_num_groups");
  config.validate();
  model.family = ModelFamily::autoencoder_kl;
  model.config = config;
  model.layout = compvis ? Layout::official : Layout::diffusers;
  return model;
}

}  // namespace ditharos::models
