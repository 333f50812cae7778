// Absolute positions of a video model's tokens.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/coordinates.h>
#include <ditharos/models/dit/video_dit.h>
#include <ditharos/tests/tensor_cases.h>

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::message_of;

namespace {

const VideoDiTConfig tiny = {.channels = 2, .patch = {1, 2, 2}, .hidden = 16, .depth = 2, .heads = 2, .mlp_ratio = 2};

}  // namespace

TEST_CASE("coordinates: they say where a token lies, as shares of the clip") {
  const Tensor features = coordinate_features({1, 2, 3}, 2, DType::f64);  // [6, 12]
  CHECK(features.shape() == Shape{6, 12});
  const double pi = std::acos(-1.0);
  const auto wanted = [&](double u) {
    return std::vector<double>{std::sin(pi * u), std::cos(pi * u), std::sin(2 * pi * u), std::cos(2 * pi * u)};
  };
  for (int64_t row = 0; row < 2; ++row) {
    for (int64_t column = 0; column < 3; ++column) {
      const std::vector<double> token = contiguous(select(features, 0, 3 * row + column)).to_vector<double>();
      const std::vector<double> of_frame = wanted(.5), of_row = wanted((double(row) + .5) / 2),
                                of_column = wanted((double(column) + .5) / 3);
      for (size_t i = 0; i < 4; ++i) {
        CHECK_EQ(token[i], doctest::Approx(of_frame[i]));
        CHECK_EQ(token[4 + i], doctest::Approx(of_row[i]));
        CHECK_EQ(token[8 + i], doctest::Approx(of_column[i]));
      }
    }
  }
  CHECK_THROWS_AS(coordinate_features({1, 1, 1}, 0), ConfigError);
  VideoDiTConfig config = tiny;
  config.coordinate_octaves = 17;
  CHECK(message_of<ConfigError>([&] { config.validate(); }) ==
        "coordinate_octaves must be between 0 (none) and 16, got 17");

  // A clip of one colour: without coordinates all tokens are alike, with them they are not.
  Generator rng(4);
  const Tensor clip = ones({1, 2, 2, 4, 4}), t = ones({1});
  const auto spread = [&](const VideoDiTConfig& c) {
    Generator seed(1);
    VideoDiT model(c, seed);
    for (const auto& [name, tensor] : nn::named_parameters(model)) {  // a fresh model's output is zero
      const std::vector<float> values = (rng.normal(tensor.shape()) * .3).to_vector<float>();
      std::copy(values.begin(), values.end(), tensor.mutable_data<float>());
    }
    const Tensor tokens = patchify_video(model(clip, t), c.patch);  // [1, T, 8]
    return amax(abs(tokens - mean(tokens, {1}, true))).item();
  };
  config.coordinate_octaves = 2;
  CHECK_LT(spread(tiny), 1e-5);
  CHECK_GT(spread(config), 1e-3);
}
