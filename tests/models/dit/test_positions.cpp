// Positions of a transformer's tokens: coordinates, the fixed table, rotations; and the prompt's condition per frame.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/embedding/coordinates.h>
#include <ditharos/models/dit/embedding/position_table.h>
#include <ditharos/models/dit/embedding/prompt_embedder.h>
#include <ditharos/models/dit/rotary.h>
#include "tests/support/golden.h"
#include "tests/support/small_dit.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::clip_config;
using ditharos::tests::difference;
using ditharos::tests::randomized;

TEST_CASE("coordinates: a token's position, as shares of the frame and as distances from its middle") {
  const Tensor features = coordinate_features({2, 2, 3}, 2, DType::f64);  // [12, 104]
  CHECK(features.shape() == Shape{12, 104});
  // In the order of the features: every direction to a neighbour whose opposite has not come.
  const int directions[13][3] = {{0, 0, 1},  {0, 1, -1}, {0, 1, 0}, {0, 1, 1},  {1, -1, -1}, {1, -1, 0}, {1, -1, 1},
                                 {1, 0, -1}, {1, 0, 0},  {1, 0, 1}, {1, 1, -1}, {1, 1, 0},   {1, 1, 1}};
  const double pi = std::acos(-1.0);
  for (int64_t token = 0; token < 12; ++token) {
    const std::vector<double> got = contiguous(select(features, 0, token)).to_vector<double>();
    const int64_t line = token / 3;  // of both frames
    const int64_t in_frame = line / 2;
    const double frame = (double(in_frame) + .5) / 2, row = (double(line % 2) + .5) / 2,
                 column = (double(token % 3) + .5) / 3;
    // A frame of 2 by 3 patches: the middles of its columns lie half the shorter side apart.
    const double from_middle = std::array{0., .5, 1.}[size_t(token % 3)];
    for (size_t k = 0; k < 2; ++k) {
      for (size_t i = 0; i < 13; ++i) {
        const int* d = directions[i];
        const double frequency = pi * (k == 0 ? 1 : 2);
        const double share = frequency * (d[0] * frame + d[1] * row + d[2] * column);
        const double phase = frequency * (d[0] * frame + d[1] * row + d[2] * from_middle);
        CHECK_EQ(got[26 * k + 2 * i], doctest::Approx(std::sin(share)));
        CHECK_EQ(got[26 * k + 2 * i + 1], doctest::Approx(std::cos(share)));
        CHECK_EQ(got[52 + 26 * k + 2 * i], doctest::Approx(std::sin(phase)));
        CHECK_EQ(got[52 + 26 * k + 2 * i + 1], doctest::Approx(std::cos(phase)));
      }
    }
  }
  CHECK_THROWS_AS(coordinate_features({1, 1, 1}, 0), ConfigError);
}

TEST_CASE("coordinates: a model that has them distinguishes the tokens of a clip of one colour") {
  const Tensor clip = ones({1, 2, 2, 4, 4}), t = ones({1});
  const auto spread = [&](int64_t bands) {
    DiTConfig config = clip_config();
    config.text = {};
    config.frequency_bands = bands;
    Generator rng(1);
    const DiT model = randomized(DiT(config, rng));
    const Tensor tokens = patchify(model(clip, t), config.patch);  // [1, T, 8]
    return amax(abs(tokens - mean(tokens, {1}, true))).item();
  };
  CHECK_LT(spread(0), 1e-5);
  CHECK_GT(spread(2), 1e-3);
}

TEST_CASE("position table") {
  const Tensor table = position_table(2, 3, 8);  // two frequencies: 1 and .01
  REQUIRE(table.shape() == Shape{1, 6, 8});
  const std::vector<double> token = select(select(table, 0, 0), 0, 5).to_vector<double>();  // row 1, column 2
  const double want[] = {std::sin(2.), std::sin(.02), std::cos(2.), std::cos(.02),
                         std::sin(1.), std::sin(.01), std::cos(1.), std::cos(.01)};
  for (size_t i = 0; i < 8; ++i) CHECK_LT(std::abs(token[i] - want[i]), 1e-7);
  CHECK_THROWS_AS(position_table(2, 2, 6), ConfigError);
}

TEST_CASE("rotary: pairs are shared out among frame, row and column") {
  CHECK(rotary_pairs(32) == RotaryPairs{4, 6, 6});
  CHECK(rotary_pairs(64) == RotaryPairs{8, 12, 12});
  CHECK(rotary_pairs(6) == RotaryPairs{1, 1, 1});
  CHECK(rotary_pairs(8) == RotaryPairs{2, 1, 1});
  CHECK_THROWS_AS(rotary_pairs(4), ConfigError);
  CHECK_THROWS_AS(rotary_pairs(9), ConfigError);
  const RotaryTable table = rotary_table({2, 3, 4}, 8, 100, DType::f64);
  CHECK(table.cosines.shape() == Shape{24, 4});
  // Token (1, 2, 3): frequencies 1 and 100^-1/2 of the frame, 1 of the row, 1 of the column.
  const std::vector<double> angles{1, .1, 2, 3};
  for (int64_t i = 0; i < 4; ++i) {
    CHECK_EQ(table.cosines.select(0, 23).select(0, i).item(), doctest::Approx(std::cos(angles[size_t(i)])));
    CHECK_EQ(table.sines.select(0, 23).select(0, i).item(), doctest::Approx(std::sin(angles[size_t(i)])));
  }
  CHECK_THROWS_AS(rotary_table({1, 1, 1}, 8, 1), ConfigError);
}

TEST_CASE("rotary: attention depends only on differences of positions") {
  // A clip that is the second half of a longer table's tokens gets the same attention.
  Generator rng(4);
  const PatchGrid grid{2, 3, 2};
  const RotaryTable whole = rotary_table({4, 3, 2}, 8, 100), part = rotary_table(grid, 8, 100);
  const Tensor qkv = rng.normal({1, 12, 48});
  const Tensor late = rope(qkv, slice(whole.cosines, 0, 12, 24), slice(whole.sines, 0, 12, 24), 2);
  CHECK_LT(difference(attention(late, 2), attention(rope(qkv, part.cosines, part.sines, 2), 2)), 1e-5);
}

TEST_CASE("prompt embedder: a vector for each frame, which depends on every word and on the frame's position") {
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
