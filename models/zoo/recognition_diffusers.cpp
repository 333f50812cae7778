#include <algorithm>

#include <ditharos/models/dit/presets.h>
#include <ditharos/models/zoo/evidence.h>

namespace ditharos::models {
namespace {

constexpr int64_t published_size = 32, published_large_size = 128, published_frames = 16;

/// What all transformers of diffusers have: patches, depth, MLP.
DiTConfig common_parts(const Evidence& e) {
  const std::string patches = "pos_embed.proj.weight";
  DiTConfig config;
  config.hidden = e.size(patches, 4, 0);
  config.channels = e.size(patches, 4, 1);
  config.patch = {1, e.size(patches, 4, 2), e.size(patches, 4, 3)};
  config.depth = e.shapes.count("transformer_blocks.");
  config.classes = 0;
  config.variable_size = true;  // the table of another grid covers the same coordinates
  check<ConfigError>(config.hidden > 0 && config.patch.volume() > 0, patches, " has no elements");
  set_mlp_hidden(config, e.size("transformer_blocks.0.ff.net.0.proj.weight", 2, 0));
  e.agree("in_channels", config.channels);
  e.agree("patch_size", config.patch.height);
  e.agree("num_layers", config.depth);
  return config;
}

/// sample_size, of the position table, which is not stored. Without a configuration the inputs' own, else `published`.
void find_sample_size(const Evidence& e, DiTConfig& config, int64_t published, std::vector<std::string>& notes) {
  const bool known = e.hints.config.has("sample_size") || e.input("x").has_value();
  const InputSize size = known ? find_input_size(e, "sample_size", 0, config.patch) : InputSize{published, published};
  if (!known) notes.push_back("the tensors do not tell sample_size: " + std::to_string(published) + " was assumed");
  config.height = size.height;
  config.width = size.width;
  config.position_scale.base_size = config.rows();
}

void find_outputs(const Evidence& e, DiTConfig& config, const std::string& last) {
  const int64_t out = e.share(last, 2, config.patch.volume());
  e.agree("out_channels", out);
  check<ConfigError>(out == config.channels || out == 2 * config.channels, "the last layer gives ", out,
                     " channels: as many as the inputs have, ", config.channels, ", or twice as many");
  config.learn_sigma = out == 2 * config.channels;
}

RecognizedModel recognized(ModelFamily family, const DiTConfig& config, std::vector<std::string> notes) {
  config.validate();
  return {.family = family, .config = config, .layout = Layout::diffusers, .name = "", .notes = std::move(notes)};
}

/// PixArt and Latte with texts: adaLN-single, cross-attention to the features of a text.
DiTConfig single_parts(const Evidence& e, std::vector<std::string>& notes) {
  constexpr int64_t scaled = 64;  // above it, coordinates are those of images of this size
  DiTConfig config = common_parts(e);
  config.conditioning = Conditioning::ada_ln_single;
  config.stored_positions = false;
  config.caption_channels = e.size("caption_projection.linear_1.weight", 2, 1);
  config.size_conditions = e.shapes.has("adaln_single.emb.resolution_embedder.linear_1.weight");
  config.qkv_bias = e.shapes.has("transformer_blocks.0.attn1.to_q.bias");
  config.norm_eps = config.mlp_norm_eps = e.hints.config.number("norm_eps").value_or(config.norm_eps);
  e.agree("caption_channels", config.caption_channels);
  find_sample_size(e, config, config.size_conditions ? published_large_size : published_size, notes);
  config.position_scale.interpolation_scale =
      e.hints.config.number("interpolation_scale").value_or(double(std::max<int64_t>(config.height / scaled, 1)));
  config.heads = find_heads(e, config.hidden, 0, notes);
  find_outputs(e, config, "proj_out.weight");
  return config;
}

}  // namespace

RecognizedModel recognize_diffusers_dit(const NamedShapes& shapes, const RecognitionHints& hints) {
  const Evidence e{shapes, hints, "a DiTTransformer2DModel"};
  std::vector<std::string> notes;
  DiTConfig config = as_diffusers(common_parts(e));
  config.classes = e.size("transformer_blocks.0.norm1.emb.class_embedder.embedding_table.weight", 2, 0) - 1;
  e.agree("num_embeds_ada_norm", config.classes);
  find_sample_size(e, config, published_size, notes);
  config.mlp_norm_eps = hints.config.number("norm_eps").value_or(config.mlp_norm_eps);
  config.qkv_bias = shapes.has("transformer_blocks.0.attn1.to_q.bias");
  config.heads = find_heads(e, config.hidden, 0, notes);
  find_outputs(e, config, "proj_out_2.weight");
  return recognized(ModelFamily::dit, config, notes);
}

RecognizedModel recognize_pixart(const NamedShapes& shapes, const RecognitionHints& hints) {
  const Evidence e{shapes, hints, "a PixArtTransformer2DModel"};
  std::vector<std::string> notes;
  const DiTConfig config = single_parts(e, notes);
  return recognized(ModelFamily::pixart, config, notes);
}

RecognizedModel recognize_latte_text(const NamedShapes& shapes, const RecognitionHints& hints) {
  const Evidence e{shapes, hints, "a LatteTransformer3DModel"};
  std::vector<std::string> notes;
  DiTConfig config = single_parts(e, notes);
  config.attention = AttentionLayout::factorised;
  config.depth += shapes.count("temporal_transformer_blocks.");
  const std::optional<Shape> x = e.input("x");
  config.frames = hints.config.integer("video_length").value_or(x && x->rank() == 5 ? (*x)[2] : published_frames);
  return recognized(ModelFamily::latte, config, notes);
}

RecognizedModel recognize_sd3(const NamedShapes& shapes, const RecognitionHints& hints) {
  constexpr int64_t head = 64;
  const Evidence e{shapes, hints, "an SD3Transformer2DModel"};
  std::vector<std::string> notes;
  DiTConfig config = common_parts(e);
  config.conditioning = Conditioning::joint_streams;
  config.caption_channels = e.size("context_embedder.weight", 2, 1);
  config.pooled_projection_dim = e.size("time_text_embed.text_embedder.linear_1.weight", 2, 1);
  config.qk_norm = shapes.has("transformer_blocks.0.attn.norm_q.weight");
  while (shapes.has("transformer_blocks." + std::to_string(config.dual_attention_blocks) + ".attn2.to_q.weight"))
    ++config.dual_attention_blocks;
  e.agree("joint_attention_dim", config.caption_channels);
  e.agree("pooled_projection_dim", config.pooled_projection_dim);
  // The table is stored, so that sample_size has no influence on the results.
  const InputSize table = find_input_size({shapes, {}, e.what}, "", e.size("pos_embed.pos_embed", 3, 1), {1, 1, 1});
  e.agree("pos_embed_max_size", table.height);
  config.position_scale.max_size = table.height;
  config.height = config.width = config.patch.height;
  if (const auto size = hints.config.integer("sample_size")) config.height = config.width = *size;
  else config.height = config.width = std::min(published_large_size, table.height * config.patch.height);
  config.position_scale.base_size = config.rows();
  config.heads = find_heads(e, config.hidden,
                            config.qk_norm ? e.size("transformer_blocks.0.attn.norm_q.weight", 1, 0) : 0, notes, head);
  find_outputs(e, config, "proj_out.weight");
  return recognized(ModelFamily::sd3, config, notes);
}

}  // namespace ditharos::models
