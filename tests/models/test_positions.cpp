// Absolute positions of a video model's tokens.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/coordinates.h>
#include <ditharos/models/dit/prompt_embedder.h>
#include <ditharos/models/dit/dit.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::message_of;

namespace {

const DiTConfig tiny = {.channels = 2, .patch = {1, 2, 2}, .hidden = 16, .depth = 2, .heads = 2, .mlp_ratio = 2};

}  // namespace

TEST_CASE("coordinates: they say where a token lies, as shares of the frame and from its middle") {
  const Tensor features = coordinate_features({2, 2, 3}, 2, DType::f64);  // [12, 104]
  CHECK(features.shape() == Shape{12, 104});
  // In the order of the features: every direction to a neighbour whose opposite has not come.
  const int directions[13][3] = {{0, 0, 1},  {0, 1, -1}, {0, 1, 0},  {0, 1, 1},  {1, -1, -1}, {1, -1, 0}, {1, -1, 1},
                                 {1, 0, -1}, {1, 0, 0},  {1, 0, 1},  {1, 1, -1}, {1, 1, 0},   {1, 1, 1}};
  const double pi = std::acos(-1.0);
  for (int64_t token = 0; token < 12; ++token) {
    const std::vector<double> got = contiguous(select(features, 0, token)).to_vector<double>();
    const double frame = (double(token / 6) + .5) / 2, row = (double(token / 3 % 2) + .5) / 2,
                 column = (double(token % 3) + .5) / 3;
    // A frame of 2 by 3 patches: the middles of its columns lie half the shorter side apart.
    const double from_middle = std::array{0., .5, 1.}[size_t(token % 3)];
    for (size_t k = 0; k < 2; ++k) {
      for (size_t i = 0; i < 13; ++i) {
        const int* d = directions[i];
        const double octave = pi * (k == 0 ? 1 : 2);
        const double share = octave * (d[0] * frame + d[1] * row + d[2] * column);
        const double place = octave * (d[0] * frame + d[1] * row + d[2] * from_middle);
        CHECK_EQ(got[26 * k + 2 * i], doctest::Approx(std::sin(share)));
        CHECK_EQ(got[26 * k + 2 * i + 1], doctest::Approx(std::cos(share)));
        CHECK_EQ(got[52 + 26 * k + 2 * i], doctest::Approx(std::sin(place)));
        CHECK_EQ(got[52 + 26 * k + 2 * i + 1], doctest::Approx(std::cos(place)));
      }
    }
  }
  CHECK_THROWS_AS(coordinate_features({1, 1, 1}, 0), ConfigError);
  DiTConfig config = tiny;
  config.frequency_bands = 17;
  CHECK(message_of<ConfigError>([&] { config.validate(); }) ==
        "coordinate_octaves must be between 0 (none) and 16, got 17");

  // A clip of one colour: without coordinates all tokens are alike, with them they are not.
  Generator rng(4);
  const Tensor clip = ones({1, 2, 2, 4, 4}), t = ones({1});
  const auto spread = [&](const DiTConfig& c) {
    Generator seed(1);
    DiT model(c, seed);
    for (const auto& [name, tensor] : nn::named_parameters(model)) {  // a fresh model's output is zero
      const std::vector<float> values = (rng.normal(tensor.shape()) * .3).to_vector<float>();
      std::copy(values.begin(), values.end(), tensor.mutable_data<float>());
    }
    const Tensor tokens = patchify(model(clip, t), c.patch);  // [1, T, 8]
    return amax(abs(tokens - mean(tokens, {1}, true))).item();
  };
  config.frequency_bands = 2;
  CHECK_LT(spread(tiny), 1e-5);
  CHECK_GT(spread(config), 1e-3);
}

TEST_CASE("prompt embedder: a vector for each frame, to which every word and the frame's place matter") {
  Generator rng(5);
  const TextEncoderConfig text_config{.vocabulary = 9, .length = 4, .width = 8, .depth = 1, .heads = 2};
  TextEncoder encoder(text_config, rng);
  PromptEmbedder with_places(8, 2, 16, rng), without(8, 0, 16, rng);
  CHECK_EQ(nn::parameter_count(with_places), count_prompt_embedder(8, 2, 16));
  CHECK_EQ(nn::parameter_count(without), count_prompt_embedder(8, 0, 16));
  EncodedText text = encoder(from_vector<int64_t>({1, 4, 7, 0, 1, 4, 8, 0}, {2, 4}));
  CHECK(without(text, 3).shape() == Shape{2, 1, 16});
  const Tensor asked = with_places(text, 3);  // [2, 3, 16]
  CHECK(asked.shape() == Shape{2, 3, 16});
  const auto distance = [](const Tensor& a, const Tensor& b) { return amax(abs(a - b)).item(); };
  CHECK_GT(distance(select(asked, 1, 0), select(asked, 1, 2)), 1e-3);
  // An encoder that made the same of both prompts would not hide the word in which they differ.
  text.pooled = zeros({2, 8});
  const Tensor of_words = with_places(text, 3);
  CHECK_GT(distance(select(of_words, 0, 0), select(of_words, 0, 1)), 1e-3);
}
