#include "examples/by_hand/exercise.h"

#include <cmath>
#include <limits>
#include <map>

#include <ditharos/autograd/ops.h>

namespace ditharos::by_hand {
namespace {

/// Whole numbers from -1 to 1.
Tensor drawn(const Shape& shape, Generator& rng) { return to(rng.randint(-1, 2, shape), DType::f64); }

Tensor exercise_or_drawn(const Rows& rows, const Shape& shape, Generator& rng) {
  const Tensor other = drawn(shape, rng);  // always drawn, so that later draws do not depend on the choice
  const Tensor own = matrix(rows);
  return own.shape() == shape ? own : other;
}

Tensor bias_or_drawn(const std::vector<double>& values, int64_t size, Generator& rng) {
  return reshape(exercise_or_drawn({values}, {1, size}, rng), {size});
}

void set_parameters(nn::Linear& layer, const Tensor& weight, const Tensor& bias = {}) {
  layer.weight = nn::Parameter(weight);
  if (bias.defined()) layer.bias = nn::Parameter(bias);
}

/// Biases start at zero; the rest keeps its values.
void to_double(nn::Linear& layer) {
  layer.weight = nn::Parameter(to(layer.weight.detach(), DType::f64));
  if (layer.bias.defined()) layer.bias = nn::Parameter(to(layer.bias.detach(), DType::f64));
}

}  // namespace

Tensor matrix(const Rows& rows) {
  std::vector<double> values;
  for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
  return from_vector(values, {int64_t(rows.size()), int64_t(rows.empty() ? 0 : rows[0].size())});
}

Tensor exercise_video() {
  return from_vector<double>({1, 0, 0, 0, /**/ 0, 1, 0, 0, /**/ 0, 0, 0, 1, /**/ 1, 1, 0, 1}, {4, 1, 2, 2});
}

Tensor exercise_noise() { return contiguous(transpose(unsqueeze(matrix({{0, -1, 1, -1}, {-1, 0, -1, 0}}), 0), 1, 2)); }

models::LinearAutoencoder make_autoencoder(const Sizes& sizes, Generator& rng) {
  const models::LinearAutoencoderConfig config{.channels = 1, .patch = sizes.patch, .latent_channels = sizes.width};
  models::LinearAutoencoder autoencoder(config, rng);
  const int64_t pixels = config.patch_volume(), width = sizes.width;
  const Tensor encoder = exercise_or_drawn({{1, 0, -1, 0}, {0, 1, 0, 1}}, {width, pixels}, rng);
  const Tensor encoder_bias = bias_or_drawn({0, 1}, width, rng);
  const Tensor decoder = exercise_or_drawn({{1, 0}, {-1, 1}, {1, 0}, {-1, 0}}, {pixels, width}, rng);
  const Tensor decoder_bias = bias_or_drawn({-1, -2, -1, 1}, pixels, rng);
  autoencoder.set_weights(encoder, encoder_bias, decoder, decoder_bias);
  return autoencoder;
}

HandDiT make_model(const Sizes& sizes, Attention attention, bool as_printed, Generator& rng) {
  const int64_t width = sizes.width, condition = prompt_width + sizes.bits;
  HandDiT model({.width = width, .condition = condition, .attention = attention}, rng);
  if (attention == Attention::soft) {
    check<ConfigError>(!as_printed,
                       "the misprints are in the exercise's own weights, and soft attention learns others");
    for (nn::Linear* layer : {&model.ada_ln, &model.query, &model.key, &model.feed_forward}) to_double(*layer);
    return model;
  }
  check<ConfigError>(!as_printed || (width == 2 && sizes.bits == exercise_bits),
                     "the misprints are in the exercise's own weights, which have a width of 2 and steps of 2 bits");
  const Rows ada_ln = {{0, 1, 0, 1, 0}, {1, 0, 1, 0, 0}, {0, 1, 0, 0, 0}, {0, 1, -1, 1, 1}};
  const std::vector<double> correct = {0, 0, 0, 1}, printed = {0, 0, -2, 1};
  set_parameters(model.ada_ln, exercise_or_drawn(ada_ln, {2 * width, condition}, rng),
                 bias_or_drawn(as_printed ? printed : correct, 2 * width, rng));
  set_parameters(model.query, exercise_or_drawn({{1, 0}, {-1, -1}}, {width, width}, rng));
  set_parameters(model.key, exercise_or_drawn({{1, 1}, {-1, 1}}, {width, width}, rng));
  set_parameters(model.feed_forward, exercise_or_drawn({{1, -1}, {0, -1}}, {width, width}, rng),
                 bias_or_drawn({3, 2}, width, rng));
  return model;
}

Rows stated_by_article(const std::string& symbol) {
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  const std::map<std::string, Rows> stated = {
      {"We", {{1, 0, -1, 0}, {0, 1, 0, 1}}},
      {"be", {{0}, {1}}},
      {"e", {{0}, {1}, {-1}}},
      {"tb", {{1}, {1}}},
      {"c", {{0}, {1}, {-1}, {1}, {1}}},
      {"y", {{2}, {-1}, {1}, {5}}},
      {"scale", {{2}, {-1}}},
      {"shift", {{1}, {5}}},
      {"G", {{nothing, nothing, nothing, nothing}, {nothing, -1, nothing, nothing}}},
  };
  const auto found = stated.find(symbol);
  return found == stated.end() ? Rows{} : found->second;
}

}  // namespace ditharos::by_hand
