#include <ditharos/models/text/t5.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

constexpr int64_t largest_size = 1 << 16, largest_table = 1 << 24;

struct Preset {
  const char* name;
  int64_t d_model, d_kv, d_ff, num_layers, num_heads;
  T5FeedForward feed_forward;
};
constexpr Preset presets[] = {
    {"t5-small", 512, 64, 2048, 6, 8, T5FeedForward::relu},
    {"t5-base", 768, 64, 3072, 12, 12, T5FeedForward::relu},
    {"t5-large", 1024, 64, 4096, 24, 16, T5FeedForward::relu},
    {"t5-3b", 1024, 128, 16384, 24, 32, T5FeedForward::relu},
    {"t5-11b", 1024, 128, 65536, 24, 128, T5FeedForward::relu},
    {"t5-v1_1-small", 512, 64, 1024, 8, 6, T5FeedForward::gated_gelu},
    {"t5-v1_1-base", 768, 64, 2048, 12, 12, T5FeedForward::gated_gelu},
    {"t5-v1_1-large", 1024, 64, 2816, 24, 16, T5FeedForward::gated_gelu},
    {"t5-v1_1-xl", 2048, 64, 5120, 24, 32, T5FeedForward::gated_gelu},
    {"t5-v1_1-xxl", 4096, 64, 10240, 24, 64, T5FeedForward::gated_gelu},
};

/// The bucket of a distance of at least 0 among `buckets`. In f32, as the published models were trained: at the bounds
/// of the ranges, exact logarithms would round to the other side.
int64_t distance_bucket(int64_t distance, int64_t buckets, int64_t max_distance) {
  const int64_t exact = buckets / 2;
  if (distance < exact) return distance;
  const float share = std::log(float(distance) / float(exact)) / float(std::log(double(max_distance) / double(exact)));
  return std::min(exact + int64_t(share * float(buckets - exact)), buckets - 1);
}

/// Gives the weights of a block their initial values; those of the constructor stay where the name is no weight's.
class Initializer : public nn::Visitor {
 public:
  Initializer(const T5Config& config, Generator& rng) : config_(config), rng_(rng) {}

 protected:
  void on_parameter(const std::string& name, Tensor& parameter) override {
    const double w = double(config_.d_model), head = double(config_.d_kv);
    const Shape& shape = parameter.shape();
    const auto normal = [&](int64_t rows, double variance) {
      return nn::init::normal({rows, shape[1]}, std::sqrt(variance), rng_);
    };
    if (name.ends_with(".qkv.weight")) {  // the variance of queries makes up for the scale that the scores lack
      const int64_t inner = config_.num_heads * config_.d_kv;
      parameter = nn::Parameter(cat({normal(inner, 1 / (w * head)), normal(2 * inner, 1 / w)}, 0));
    } else if (name.ends_with(".proj.weight") || name.ends_with(".wo.weight")) {
      parameter = nn::Parameter(normal(shape[0], 1 / double(shape[1])));
    } else if (name.find(".wi") != std::string::npos || name.ends_with(".relative_attention_bias.weight")) {
      parameter = nn::Parameter(normal(shape[0], 1 / w));
    }
  }

 private:
  const T5Config& config_;
  Generator& rng_;
};

}  // namespace

void T5Config::validate() const {
  const auto check_size = [](const char* name, int64_t value, int64_t most) {
    check<ConfigError>(value >= 1 && value <= most, "T5's ", name, " must be between 1 and ", most, ", got ", value);
  };
  check_size("vocab_size", vocab_size, largest_table);
  check_size("d_model", d_model, largest_size);
  check_size("d_kv", d_kv, largest_size);
  check_size("d_ff", d_ff, largest_size);
  check_size("num_layers", num_layers, largest_size);
  check_size("num_heads", num_heads, largest_size);
  check<ConfigError>(num_heads * d_kv <= largest_size, "T5's num_heads * d_kv must be at most ", largest_size, ", got ",
                     num_heads, " * ", d_kv);
  check_size("relative_attention_num_buckets", relative_attention_num_buckets, largest_size);
  check<ConfigError>(relative_attention_num_buckets >= 4 && relative_attention_num_buckets % 2 == 0,
                     "T5's relative_attention_num_buckets must be even and at least 4, got ",
                     relative_attention_num_buckets);
  check<ConfigError>(relative_attention_max_distance > relative_attention_num_buckets / 4 &&
                         relative_attention_max_distance <= largest_table,
                     "T5's relative_attention_max_distance must be more than a quarter of the ",
                     relative_attention_num_buckets, " buckets, whose distances are exact, and at most ", largest_table,
                     "; got ", relative_attention_max_distance);
  check<ConfigError>(std::isfinite(layer_norm_epsilon) && layer_norm_epsilon > 0, "T5's layer_norm_epsilon must be ",
                     "above 0, got ", layer_norm_epsilon);
}

T5Config t5_preset(const std::string& name) {
  std::string known;
  for (const Preset& p : presets) {
    if (name == p.name) {
      return {.d_model = p.d_model,
              .d_kv = p.d_kv,
              .d_ff = p.d_ff,
              .num_layers = p.num_layers,
              .num_heads = p.num_heads,
              .feed_forward_proj = p.feed_forward};
    }
    known += (known.empty() ? "" : ", ") + std::string(p.name);
  }
  fail<ConfigError>("there is no T5 model '", name, "'; known are ", known);
}

std::vector<std::string> t5_preset_names() {
  std::vector<std::string> names;
  for (const Preset& preset : presets) names.emplace_back(preset.name);
  return names;
}

int64_t count_parameters(const T5Config& config) {
  config.validate();
  const int64_t w = config.d_model, inner = config.num_heads * config.d_kv;
  const int64_t matrices = config.feed_forward_proj == T5FeedForward::gated_gelu ? 3 : 2;
  const int64_t block = 4 * w * inner + matrices * w * config.d_ff + 2 * w;
  return config.vocab_size * w + config.relative_attention_num_buckets * config.num_heads + config.num_layers * block +
         w;
}

Tensor relative_position_buckets(int64_t tokens, int64_t num_buckets, int64_t max_distance) {
  check<ConfigError>(num_buckets >= 4 && num_buckets % 2 == 0 && max_distance > num_buckets / 4,
                     "[relative_position_buckets] needs an even number of at least 4 buckets and a distance of more ",
                     "than a quarter of it, got ", num_buckets, " and ", max_distance);
  static_cast<void>(numel({tokens, tokens}));  // ShapeError for a table too large for any memory
  const int64_t half = num_buckets / 2;
  std::vector<int64_t> of_distance(static_cast<size_t>(tokens));
  for (int64_t i = 0; i < tokens; ++i) of_distance[size_t(i)] = distance_bucket(i, half, max_distance);
  const Tensor table = zeros({tokens, tokens}, DType::i64);
  auto* out = table.mutable_data<int64_t>();
  for (int64_t query = 0; query < tokens; ++query) {
    for (int64_t key = 0; key < tokens; ++key)
      *out++ = key > query ? half + of_distance[size_t(key - query)] : of_distance[size_t(query - key)];
  }
  return table;
}

T5Block::T5Block(const T5Config& c, Generator& rng)
    : norm1_(c.d_model, c.layer_norm_epsilon), norm2_(c.d_model, c.layer_norm_epsilon),
      attn_({.width = c.d_model, .heads = c.num_heads, .head_size = c.d_kv, .bias = false, .scale = 1}, rng),
      wi_0_(c.d_model, c.d_ff, rng, false), wo_(c.d_ff, c.d_model, rng, false) {
  if (c.feed_forward_proj == T5FeedForward::gated_gelu) wi_1_.emplace(c.d_model, c.d_ff, rng, false);
}

Tensor T5Block::forward(const Tensor& x, const Tensor& bias) const {
  const Tensor h = x + attn_(norm1_(x), nn::AttentionInputs{.mask = bias});
  return h + feed_forward(norm2_(h));
}

Tensor T5Block::feed_forward(const Tensor& x) const {
  return wo_(wi_1_ ? gelu_tanh(wi_0_(x)) * (*wi_1_)(x) : relu(wi_0_(x)));
}

void T5Block::visit(nn::Visitor& v) {
  v("layer.0.SelfAttention", attn_);
  v("layer.0.SelfAttention.relative_attention_bias", relative_attention_bias_);
  v("layer.0.layer_norm", norm1_);
  v(wi_1_ ? "layer.1.DenseReluDense.wi_0" : "layer.1.DenseReluDense.wi", wi_0_);
  v("layer.1.DenseReluDense.wi_1", wi_1_);
  v("layer.1.DenseReluDense.wo", wo_);
  v("layer.1.layer_norm", norm2_);
}

T5Encoder::T5Encoder(const T5Config& config, Generator& rng) : config_(config) {
  config.validate();
  shared_ = nn::Embedding(config.vocab_size, config.d_model, rng);
  for (int64_t i = 0; i < config.num_layers; ++i) blocks_.emplace_back(config, rng);
  blocks_[0].relative_attention_bias_.emplace(config.relative_attention_num_buckets, config.num_heads, rng);
  norm_ = nn::RMSNorm(config.d_model, config.layer_norm_epsilon);
  Initializer initialize(config, rng);
  visit(initialize);
}

void T5Encoder::check_inputs(const Tensor& tokens, const Tensor& mask) const {
  check<ShapeError>(tokens.defined() && tokens.rank() == 2 && tokens.numel() > 0, "[T5Encoder] tokens must have shape ",
                    "[B, L] with at least one token, got ", tokens.defined() ? to_text(tokens.shape()) : "none");
  check<DTypeError>(tokens.dtype() == DType::i64, "[T5Encoder] tokens must be i64, got ", tokens.dtype());
  for (const int64_t token : tokens.to_vector<int64_t>()) {
    check<Error>(token >= 0 && token < config_.vocab_size, "[T5Encoder] a token must be in [0, ", config_.vocab_size,
                 "), got ", token, "; was another tokenizer used?");
  }
  if (!mask.defined()) return;
  check<ShapeError>(mask.shape() == tokens.shape(), "[T5Encoder] the mask must have the shape of the tokens, ",
                    tokens.shape(), ", got ", mask.shape());
  check<DTypeError>(mask.dtype() == DType::boolean, "[T5Encoder] the mask must be bool (true: a token), got ",
                    mask.dtype());
}

/// [1, heads, L, L], added to the scores of all blocks.
Tensor T5Encoder::position_bias(int64_t tokens) const {
  const Tensor buckets = relative_position_buckets(tokens, config_.relative_attention_num_buckets,
                                                   config_.relative_attention_max_distance);
  return unsqueeze(permute((*blocks_[0].relative_attention_bias_)(buckets), {2, 0, 1}), 0);
}

Tensor T5Encoder::forward(const Tensor& tokens, const Tensor& mask) const {
  check_inputs(tokens, mask);
  const int64_t batch = tokens.size(0), length = tokens.size(1);
  Tensor x = shared_(tokens), bias = position_bias(length);
  if (mask.defined())
    bias = where(reshape(mask, {batch, 1, 1, length}), bias,
                 scalar(-std::numeric_limits<double>::infinity(), bias.dtype()));
  for (const T5Block& block : blocks_) x = block(x, bias);
  return norm_(x);
}

void T5Encoder::visit(nn::Visitor& v) {
  v("shared", shared_);
  v("encoder.block", blocks_);
  v("encoder.final_layer_norm", norm_);
}

}  // namespace ditharos::models
