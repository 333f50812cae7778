#include <ditharos/models/zoo/evidence.h>
#include <ditharos/models/zoo/registry.h>

namespace ditharos::models {
namespace {

/// Values of a setting of ours by their names in a configuration: "attention": "joint".
constexpr std::pair<const char*, AttentionLayout> attention_names[] = {{"joint", AttentionLayout::joint},
                                                                       {"factorised", AttentionLayout::factorised},
                                                                       {"late_fusion", AttentionLayout::late_fusion},
                                                                       {"sequential", AttentionLayout::sequential},
                                                                       {"split_heads", AttentionLayout::split_heads}};

/// The same of the ways in which the condition enters the blocks: "conditioning": "adaLN-Zero".
constexpr std::pair<const char*, Conditioning> conditioning_names[] = {
    {"adaLN-Zero", Conditioning::ada_ln_zero},
    {"adaLN", Conditioning::ada_ln},
    {"cross-attention", Conditioning::cross_attention},
    {"in-context", Conditioning::in_context}};

/// The family that the hints name, if any.
std::optional<ModelFamily> hinted_family(const RecognitionHints& hints) {
  if (const ZooModel* model = find_zoo_model(hints.model)) return model->family;
  const std::string name = hints.model.empty() ? hints.config.text("_class_name").value_or("") : hints.model;
  for (const ModelFamily family : model_families()) {
    if (name == to_text(family)) return family;
  }
  return {};
}

ModelFamily family_of(const NamedShapes& shapes) {
  if (shapes.has("temp_embed")) return ModelFamily::latte;
  const bool lightning = shapes.has("feat_rope.freqs_cos") || shapes.has("blocks.0.mlp.w12.weight") ||
                         (shapes.has("blocks.0.norm1.weight") && !shapes.has("blocks.0.norm1.bias"));
  return lightning ? ModelFamily::lightning_dit : ModelFamily::dit;
}

AttentionLayout attention_of(const Evidence& evidence) {
  const bool sequential = evidence.shapes.has("blocks.0.temporal_attn.qkv.weight");
  AttentionLayout layout = sequential ? AttentionLayout::sequential : AttentionLayout::factorised;
  if (const ZooModel* model = find_zoo_model(evidence.hints.model)) {
    if (const auto* config = std::get_if<DiTConfig>(&model->config)) layout = config->attention;
  }
  if (const std::optional<std::string> given = evidence.hints.config.text("attention")) {
    bool known = false;
    for (const auto& [name, value] : attention_names) {
      if (*given == name) layout = value, known = true;
    }
    check<ConfigError>(known, evidence.hints.config.source(), " says attention = ", *given, ": it is joint, ",
                       "factorised, late_fusion, sequential or split_heads");
  }
  check<ConfigError>(sequential == (layout == AttentionLayout::sequential), "the blocks have ", sequential ? "a" : "no",
                     " temporal_attn, which the attention layout sequential has and no other");
  return layout;
}

void find_conditioning(const Evidence& e, DiTConfig& config, bool lightning) {
  const std::string modulation = "blocks.0.adaLN_modulation.1.weight";
  if (!e.shapes.has(modulation)) {
    config.conditioning =
        e.shapes.has("blocks.0.cross_attn.q.weight") ? Conditioning::cross_attention : Conditioning::in_context;
    return;
  }
  const int64_t chunks = e.share(modulation, 2, config.hidden);
  check<ConfigError>(chunks == 6 || chunks == 4, modulation, " has ", chunks, " vectors for each of the ",
                     config.hidden, " channels: 6 with adaLN-Zero, 4 without gates or without shifts");
  if (chunks == 6) return;
  if (lightning) config.modulation_shift = false;
  else config.conditioning = Conditioning::ada_ln;
}

/// ConfigError unless the configuration says nothing about the conditioning, or what the tensors say.
void agree_on_conditioning(const Evidence& e, const DiTConfig& config) {
  const std::optional<std::string> given = e.hints.config.text("conditioning");
  if (!given) return;
  std::string known, seen;
  for (const auto& [name, value] : conditioning_names) {
    known += (known.empty() ? "" : ", ") + std::string(name);
    if (value == config.conditioning) seen = name;
  }
  check<ConfigError>(*given == seen, e.hints.config.source(), " says conditioning = ", *given, ", but the tensors are ",
                     "those of ", e.what, " with ", seen, "; the known ones are ", known);
}

/// ConfigError unless the mlp_ratio of the configuration, if it is there, gives the width that the tensors have.
void agree_on_mlp_ratio(const Evidence& e, const DiTConfig& config) {
  DiTConfig given = config;
  given.mlp_ratio = e.hints.config.number("mlp_ratio").value_or(config.mlp_ratio);
  check<ConfigError>(given.mlp_hidden() == config.mlp_hidden(), e.hints.config.source(),
                     " says mlp_ratio = ", given.mlp_ratio, ", but the MLPs of the tensors have ", config.mlp_hidden(),
                     " hidden channels, ", "not ", given.mlp_hidden());
}

void find_blocks(const Evidence& e, DiTConfig& config) {
  config.depth = e.shapes.count("blocks.");
  e.agree("depth", config.depth);
  const bool gated = e.shapes.has("blocks.0.mlp.w12.weight");
  config.mlp = gated ? MlpKind::swiglu : MlpKind::gelu_tanh;
  set_mlp_hidden(config, gated ? e.share("blocks.0.mlp.w12.weight", 2, 2) : e.size("blocks.0.mlp.fc1.weight", 2, 0));
  config.qk_norm = e.shapes.has("blocks.0.attn.q_norm.weight");
  check<ConfigError>(!e.shapes.has("blocks.0.attn.q_norm.bias"), "queries and keys have a layer norm (q_norm.bias); ",
                     "only an RMS norm of them is known here");
  config.qkv_bias = e.shapes.has("blocks.0.attn.qkv.bias");
  if (e.shapes.has("blocks.0.norm1.weight") && !e.shapes.has("blocks.0.norm1.bias")) config.norm = Norm::rms;
}

void find_condition(const Evidence& e, DiTConfig& config) {
  config.classes = 0;
  if (e.shapes.has("y_embedder.embedding_table.weight")) {
    const int64_t rows = e.size("y_embedder.embedding_table.weight", 2, 0);
    config.classes = rows - 1;
    // Without dropout of labels the published code has no row for "no class".
    if (e.hints.config.integer("num_classes") != rows) e.agree("num_classes", config.classes);
  }
  const std::string text = "text_embedding_projection.1.weight";
  if (e.shapes.has(text)) config.text_embedding = e.size(text, 2, 1);
}

/// SiT's networks have the tensors of DiT, and give half of the channels.
void tell_sit(const Evidence& e, RecognizedModel& model, const DiTConfig& config) {
  if (model.family != ModelFamily::dit || !config.learn_sigma || hinted_family(e.hints)) return;
  const std::optional<Shape> cotangent = e.input("cotangent");
  if (cotangent && cotangent->rank() == 4 && (*cotangent)[1] == config.channels) {
    model.family = ModelFamily::sit;
    model.notes.emplace_back(
        "DiT and SiT have the same tensors: read as a SiT, because the cotangent has as many "
        "channels as x");
  } else {
    model.notes.emplace_back("DiT and SiT have the same tensors: read as a DiT");
  }
}

}  // namespace

RecognizedModel recognize_official(const NamedShapes& shapes, const RecognitionHints& hints) {
  RecognizedModel model;
  const ModelFamily seen = family_of(shapes);
  model.family = hinted_family(hints).value_or(seen);
  const bool same =
      model.family == seen ||
      (seen == ModelFamily::dit && (model.family == ModelFamily::sit || model.family == ModelFamily::lightning_dit));
  check<ConfigError>(same, "the tensors are those of a ", to_text(seen), ", not of a ", to_text(model.family));
  const Evidence e{shapes, hints, "a " + to_text(model.family)};

  DiTConfig config;
  const std::string patches = "x_embedder.proj.weight";
  config.hidden = e.size(patches, 4, 0);
  config.channels = e.size(patches, 4, 1);
  config.patch = {1, e.size(patches, 4, 2), e.size(patches, 4, 3)};
  e.agree("hidden_size", config.hidden);
  e.agree("in_channels", config.channels);
  e.agree("patch_size", config.patch.height);
  check<ConfigError>(config.hidden > 0 && config.patch.volume() > 0, patches, " has no elements");

  const InputSize size = find_input_size(e, "input_size", e.size("pos_embed", 3, 1), config.patch);
  config.height = size.height;
  config.width = size.width;
  find_blocks(e, config);
  find_condition(e, config);
  find_conditioning(e, config, model.family == ModelFamily::lightning_dit);
  agree_on_conditioning(e, config);
  agree_on_mlp_ratio(e, config);
  if (seen == ModelFamily::latte) {
    config.frames = e.size("temp_embed", 3, 1);
    e.agree("num_frames", config.frames);
    config.attention = attention_of(e);
  }
  int64_t head_size = config.qk_norm ? e.size("blocks.0.attn.q_norm.weight", 1, 0) : 0;
  if (shapes.has("feat_rope.freqs_cos")) {
    config.rotary = Rotary::spatial;
    config.rope_base = 10000;
    head_size = e.size("feat_rope.freqs_cos", 2, 1);
  }
  e.agree("use_rope", config.rotary == Rotary::spatial);
  config.heads = find_heads(e, config.hidden, head_size, model.notes);

  const int64_t out = e.share("final_layer.linear.weight", 2, config.patch.volume());
  check<ConfigError>(out == config.channels || out == 2 * config.channels, "the last layer gives ", out,
                     " channels: as many as the inputs have, ", config.channels, ", or twice as many");
  config.learn_sigma = out == 2 * config.channels;
  e.agree("learn_sigma", config.learn_sigma);
  tell_sit(e, model, config);
  config.validate();
  model.config = config;
  model.layout = Layout::official;
  return model;
}

}  // namespace ditharos::models
