#include <ditharos/models/zoo/model_cost.h>

#include <ditharos/models/dit/cost.h>

namespace ditharos::models {
namespace {

constexpr int64_t decoded_size = 256, text_tokens = 120;

int64_t t5_macs(const T5Config& c, int64_t tokens) {
  const int64_t width = c.num_heads * c.d_kv, gates = c.feed_forward_proj == T5FeedForward::gated_gelu ? 2 : 1;
  const int64_t projections = 4 * c.d_model * width, feed_forward = (gates + 1) * c.d_model * c.d_ff;
  return c.num_layers * tokens * (projections + feed_forward + 2 * tokens * width);
}

struct Measure {
  ModelCost operator()(const DiTConfig& c) const {
    const DiTCounts counts = count_parameters(c);
    return {.parameters = counts.trainable, .stored = counts.total, .macs = count_macs(c)};
  }
  ModelCost operator()(const AutoencoderKLConfig& c) const {
    const int64_t parameters = count_parameters(c).total();
    return {.parameters = parameters, .stored = parameters, .macs = count_macs(c, decoded_size, decoded_size).decode};
  }
  ModelCost operator()(const T5Config& c) const {
    const int64_t parameters = count_parameters(c);
    return {.parameters = parameters, .stored = parameters, .macs = t5_macs(c, text_tokens)};
  }
};

}  // namespace

ModelCost model_cost(const ModelConfig& config) {
  constexpr int64_t f32 = 4, copies = 4;  // gradient, two moments, moving average
  ModelCost cost = std::visit(Measure{}, config);
  cost.bytes_to_sample = f32 * cost.stored;
  cost.bytes_to_train = cost.bytes_to_sample + copies * f32 * cost.parameters;
  return cost;
}

}  // namespace ditharos::models
