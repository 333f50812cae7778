#include <ditharos/models/text/encoder.h>

#include <algorithm>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

constexpr int64_t largest = 1 << 16, largest_vocabulary = 1 << 24, mlp_ratio = 4;

/// The number of tokens of the longest prompt in tokens [B, L], at least 1; the rest is padding in all prompts.
int64_t longest(const Tensor& tokens) {
  const std::vector<int64_t> values = tokens.to_vector<int64_t>();
  const int64_t length = tokens.size(1);
  int64_t result = 1;
  for (int64_t i = 0; i < tokens.numel(); ++i)
    if (values[size_t(i)] != 0) result = std::max(result, i % length + 1);
  return result;
}

}  // namespace

void TextEncoderConfig::validate() const {
  const auto check_size = [](const char* name, int64_t value, int64_t most) {
    check<ConfigError>(value >= 1 && value <= most, "the text encoder's ", name, " must be between 1 and ", most,
                       ", got ", value);
  };
  check_size("vocabulary", vocabulary, largest_vocabulary);
  check_size("length", length, largest);
  check_size("width", width, largest);
  check_size("depth", depth, largest);
  check_size("heads", heads, largest);
  check<ConfigError>(width % heads == 0, "the text encoder's width ", width, " is not divisible by its ", heads,
                     " heads");
}

int64_t count_parameters(const TextEncoderConfig& config) {
  config.validate();
  const int64_t w = config.width, linear = (w + 1) * w, norm = 2 * w;
  const int64_t mlp = (w + 1) * mlp_ratio * w + (mlp_ratio * w + 1) * w;
  return (config.vocabulary + config.length) * w + config.depth * (4 * linear + mlp + 2 * norm) + norm;
}

TextBlock::TextBlock(const TextEncoderConfig& config, Generator& rng)
    : norm1_(config.width), norm2_(config.width), attn_(config.width, config.heads, rng),
      mlp_(config.width, mlp_ratio * config.width, rng) {}

Tensor TextBlock::forward(const Tensor& x, const Tensor& mask) const {
  const Tensor h = x + attn_(norm1_(x), nn::AttentionInputs{.mask = mask});
  return h + mlp_(norm2_(h));
}

void TextBlock::visit(nn::Visitor& v) {
  v("norm1", norm1_);
  v("attn", attn_);
  v("norm2", norm2_);
  v("mlp", mlp_);
}

TextEncoder::TextEncoder(const TextEncoderConfig& config, Generator& rng) : config_(config) {
  config.validate();
  // N(0, 1) is as large as the outputs of the blocks, so the words dominate in an untrained encoder.
  embedding_ = nn::Embedding(config.vocabulary, config.width, rng);
  positions_ = nn::Parameter(nn::init::normal({config.length, config.width}, .02, rng));
  for (int64_t i = 0; i < config.depth; ++i) blocks_.emplace_back(config, rng);
  norm_ = nn::LayerNorm(config.width);
}

void TextEncoder::check_tokens(const Tensor& tokens) const {
  check<ShapeError>(tokens.defined() && tokens.rank() == 2, "[TextEncoder] tokens must have shape [B, L], got ",
                    tokens.defined() ? to_text(tokens.shape()) : "none");
  check<DTypeError>(tokens.dtype() == DType::i64, "[TextEncoder] tokens must be i64, got ", tokens.dtype());
  check<ShapeError>(tokens.size(1) >= 1 && tokens.size(1) <= config_.length, "[TextEncoder] a prompt may have 1 to ",
                    config_.length, " tokens, got ", tokens.size(1));
  for (const int64_t token : tokens.to_vector<int64_t>()) {
    check<Error>(token >= 0 && token < config_.vocabulary, "[TextEncoder] a token must be in [0, ", config_.vocabulary,
                 "), got ", token, "; was another tokenizer used?");
  }
}

EncodedText TextEncoder::forward(const Tensor& padded) const {
  check_tokens(padded);
  const int64_t batch = padded.size(0), length = longest(padded);
  const Tensor tokens = slice(padded, 1, 0, length);
  const Tensor mask = not_equal(tokens, zeros({}, DType::i64));  // [B, L]
  const Tensor keys = reshape(mask, {batch, 1, 1, length});

  const Tensor words = embedding_(tokens);
  Tensor x = words + slice(positions_, 0, 0, length);  // [B, L, W]
  for (const TextBlock& block : blocks_) x = block(x, keys);
  x = norm_(x);

  const Tensor present = unsqueeze(to(mask, x.dtype()), 2);              // [B, L, 1]
  const Tensor count = maximum(sum(present, {1}), ones({}, x.dtype()));  // [B, 1]
  const auto pooled = [&](const Tensor& all) {
    return sum(masked_fill(all, logical_not(unsqueeze(mask, 2)), 0), {1}) / count;
  };
  return {run_hooks(x), pooled(x), pooled(words), mask};
}

void TextEncoder::visit(nn::Visitor& v) {
  v("positions", positions_);
  v("embedding", embedding_);
  v("blocks", blocks_);
  v("norm", norm_);
}

}  // namespace ditharos::models
