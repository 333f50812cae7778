#include <ditharos/models/zoo/evidence.h>

namespace ditharos::models {

RecognizedModel recognize_t5(const NamedShapes& shapes, const RecognitionHints& hints) {
  RecognizedModel model;
  const Evidence e{shapes, hints, "a T5 encoder"};
  const std::string block = "encoder.block.0.layer.", attention = block + "0.SelfAttention.";
  const std::string table = shapes.has("shared.weight") ? "shared.weight" : "encoder.embed_tokens.weight";
  const std::string bias = attention + "relative_attention_bias.weight";
  const std::string gated = block + "1.DenseReluDense.wi_0.weight", plain = block + "1.DenseReluDense.wi.weight";
  T5Config config;
  config.vocab_size = e.size(table, 2, 0);
  config.d_model = e.size(table, 2, 1);
  config.num_layers = shapes.count("encoder.block.");
  config.relative_attention_num_buckets = e.size(bias, 2, 0);
  config.num_heads = e.size(bias, 2, 1);
  check<ConfigError>(config.num_heads > 0, bias, " has no elements");
  config.d_kv = e.share(attention + "q.weight", 2, config.num_heads);
  config.feed_forward_proj = shapes.has(gated) ? T5FeedForward::gated_gelu : T5FeedForward::relu;
  config.d_ff = e.size(shapes.has(gated) ? gated : plain, 2, 0);
  config.relative_attention_max_distance =
      hints.config.integer("relative_attention_max_distance").value_or(config.relative_attention_max_distance);
  config.layer_norm_epsilon = hints.config.number("layer_norm_epsilon").value_or(config.layer_norm_epsilon);
  e.agree("vocab_size", config.vocab_size);
  e.agree("d_model", config.d_model);
  e.agree("d_kv", config.d_kv);
  e.agree("d_ff", config.d_ff);
  e.agree("num_layers", config.num_layers);
  e.agree("num_heads", config.num_heads);
  config.validate();
  model.family = ModelFamily::t5;
  model.config = config;
  model.layout = Layout::official;
  return model;
}

}  // namespace ditharos::models
