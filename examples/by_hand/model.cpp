#include "examples/by_hand/model.h"

#include <cmath>
#include <map>
#include <vector>

#include <ditharos/nn/embedding.h>
#include <ditharos/tensor/io/crc32c.h>

namespace ditharos::by_hand {
namespace {

/// Runs of letters, digits and bytes beyond ASCII, in small letters.
std::vector<std::string> words_of(const std::string& prompt) {
  std::vector<std::string> words(1);
  for (const char c : prompt) {
    const bool capital = c >= 'A' && c <= 'Z', small = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
    const bool beyond_ascii = static_cast<unsigned char>(c) >= 0x80;
    if (capital || small || digit || beyond_ascii) words.back() += capital ? static_cast<char>(c - 'A' + 'a') : c;
    else if (!words.back().empty()) words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

std::vector<double> word_vector(const std::string& word) {
  static const std::map<std::string, std::vector<double>> of_the_exercise = {
      {"sora", {1, 0, -1}}, {"is", {0, 0, 1}}, {"sky", {-1, 1, -1}}};
  if (const auto known = of_the_exercise.find(word); known != of_the_exercise.end()) return known->second;
  return Generator(crc32c(word.data(), word.size())).randint(-3, 4, {prompt_width}).to_vector<double>();
}

/// For every query the key with the largest score, as a row of zeros with a one.
Tensor one_hot_of_largest(const Tensor& scores) {
  const Tensor best = unsqueeze(argmax(scores, -1), -1);  // [B, T, 1]
  return to(equal(best, arange(scores.size(-1), DType::i64)), scores.dtype());
}

}  // namespace

Tensor word_vectors(const std::string& prompt) {
  const std::vector<std::string> words = words_of(prompt);
  check<ConfigError>(!words.empty(), "the prompt is empty: give it at least one word, such as \"sora is sky\"");
  std::vector<double> values;
  for (const std::string& word : words) {
    const std::vector<double> vector = word_vector(word);
    values.insert(values.end(), vector.begin(), vector.end());
  }
  return from_vector(values, {int64_t(words.size()), prompt_width});
}

Tensor prompt_vector(const std::string& prompt) { return sum(word_vectors(prompt), {0}); }

Tensor condition_vector(const std::string& prompt, int64_t step, int64_t bits) {
  check<ConfigError>(bits >= 1 && bits <= 30, "a step is written with 1 to 30 bits, not ", bits);
  check<ConfigError>(step >= 0 && step < int64_t{1} << bits, "step ", step, " does not fit into ", bits,
                     bits == 1 ? " bit" : " bits", ", which count from 0 to ", (int64_t{1} << bits) - 1);
  const Tensor digits = nn::binary_features(from_vector<double>({double(step)}), bits);  // [1, bits]
  return cat({prompt_vector(prompt), squeeze(digits, 0)}, 0);
}

double noise_level(int64_t t, int64_t steps) {
  check<ConfigError>(1 <= t && t <= steps, "steps count from 1 to ", steps, ", and ", t, " is none of them");
  return double(steps + 1 - t);
}

HandDiT::HandDiT(const HandDiTConfig& config, Generator& rng)
    : ada_ln(config.condition, 2 * config.width, rng), query(config.width, config.width, rng, /*with_bias=*/false),
      key(config.width, config.width, rng, /*with_bias=*/false), feed_forward(config.width, config.width, rng),
      config_(config) {}

Stages HandDiT::stages(const Tensor& latents, const Tensor& condition) const {
  check<ShapeError>(latents.rank() == 3 && latents.size(2) == config_.width && condition.rank() == 2 &&
                        condition.size(0) == latents.size(0),
                    "[HandDiT] latents must have shape [B, T, ", config_.width, "] and conditions [B, ",
                    config_.condition, "], got ", latents.shape(), " and ", condition.shape());
  Stages s;
  s.modulation = ada_ln(condition);  // [B, 2 width]
  const std::vector<Tensor> parts = chunk(s.modulation, 2, -1);
  s.scale = parts[0], s.shift = parts[1];
  s.conditioned = unsqueeze(s.scale, 1) * latents + unsqueeze(s.shift, 1);
  s.queries = query(s.conditioned), s.keys = key(s.conditioned);
  s.scores = matmul(s.queries, transpose(s.keys, 1, 2));  // [B, T, T]
  s.attention = config_.attention == Attention::hard ? one_hot_of_largest(s.scores)
                                                     : softmax(s.scores / std::sqrt(double(config_.width)), -1);
  s.pooled = matmul(s.attention, s.conditioned);
  s.predicted = feed_forward(s.pooled);
  return s;
}

Tensor HandDiT::forward(const Tensor& latents, const Tensor& condition) const {
  return stages(latents, condition).predicted;
}

void HandDiT::visit(nn::Visitor& v) {
  v("ada_ln", ada_ln);
  v("attention.query", query);
  v("attention.key", key);
  v("feed_forward", feed_forward);
}

}  // namespace ditharos::by_hand
