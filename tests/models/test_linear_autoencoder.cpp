// The linear visual encoder and decoder, step [2] and [12] of the exercise.
#include <doctest/doctest.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/autoencoder/linear.h>
#include <ditharos/optim/sgd.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::message_of;
using ditharos::tests::same_bits;

namespace {

/// The exercise's encoder: W = [[1,0,-1,0],[0,1,0,1]], b = [0,1]; a decoder that is its transpose.
LinearAutoencoder exercise_autoencoder() {
  Generator rng(1);
  LinearAutoencoder autoencoder({.channels = 1, .patch = {1, 2, 2}, .latent_channels = 2}, rng);
  const Tensor w = from_vector<float>({1, 0, -1, 0, 0, 1, 0, 1}, {2, 4}), b = from_vector<float>({0, 1});
  autoencoder.set_weights(w, b, contiguous(transpose(w, 0, 1)), zeros({4}));
  return autoencoder;
}

}  // namespace

TEST_CASE("sora [2]: the latent of [x1,x2,x3,x4] is [max(0,x1-x3), max(0,x2+x4+1)], and z and h can be seen apart") {
  const LinearAutoencoder autoencoder = exercise_autoencoder();
  Generator rng(2);
  const Tensor x = rng.normal({3, 5, 4});  // [B, T, 4]
  const Rectified got = autoencoder.encode(x);
  CHECK_EQ(got.z.shape(), Shape{3, 5, 2});
  const auto in = x.to_vector<float>(), z = got.z.to_vector<float>(), h = got.h.to_vector<float>();
  int negative = 0;
  for (size_t i = 0; i < in.size() / 4; ++i) {
    const float first = in[4 * i] - in[4 * i + 2], second = in[4 * i + 1] + in[4 * i + 3] + 1;
    CHECK_EQ(z[2 * i], doctest::Approx(first));
    CHECK_EQ(z[2 * i + 1], doctest::Approx(second));
    CHECK_EQ(h[2 * i], std::max(0.f, z[2 * i]));
    CHECK_EQ(h[2 * i + 1], std::max(0.f, z[2 * i + 1]));
    negative += z[2 * i] < 0;
  }
  CHECK(negative > 0);  // so that z and h differ
}

TEST_CASE("sora [2]: a configured encoder takes 256x256x3 to 32x32x4, 48 numbers to one") {
  Generator rng(3);
  const LinearAutoencoder autoencoder({.channels = 3, .patch = {1, 8, 8}, .latent_channels = 4}, rng);
  CHECK_EQ(autoencoder.config().factor(), 48);
  const Tensor image = rng.normal({1, 1, 3, 256, 256});
  const Tensor latent = autoencoder.to_latents(image);
  CHECK_EQ(image.numel(), 196608);
  CHECK_EQ(latent.shape(), Shape{1, 1, 4, 32, 32});
  CHECK_EQ(latent.numel(), 4096);
  CHECK_EQ(autoencoder.from_latents(latent).shape(), image.shape());
}

TEST_CASE("linear autoencoder: a latent lies where its patch lay") {
  Generator rng(4);
  const LinearAutoencoder autoencoder({.channels = 2, .patch = {2, 4, 2}, .latent_channels = 3}, rng);
  const Tensor video = rng.normal({2, 4, 2, 8, 6});
  const Tensor latents = autoencoder.to_latents(video);
  CHECK_EQ(latents.shape(), Shape{2, 2, 3, 2, 3});
  // One patch alone, cut out: frames 2 and 3, rows 4 to 7, columns 2 and 3.
  const Tensor piece = slice(slice(slice(video, 1, 2, 4), 3, 4, 8), 4, 2, 4);
  const Tensor own = autoencoder.to_latents(piece);  // [2, 1, 3, 1, 1]
  const Tensor there = slice(slice(slice(latents, 1, 1, 2), 3, 1, 2), 4, 1, 2);
  for (int64_t i = 0; i < own.numel(); ++i)
    CHECK_EQ(own.to_vector<float>()[size_t(i)], doctest::Approx(there.to_vector<float>()[size_t(i)]));
  for (const float value : autoencoder.from_latents(latents).to_vector<float>()) CHECK(value >= 0);
}

TEST_CASE("linear autoencoder: frozen, while gradients pass through it") {
  Generator rng(5);
  LinearAutoencoder autoencoder({.channels = 1, .patch = {1, 2, 2}, .latent_channels = 2}, rng);
  const LinearAutoencoder before = nn::clone(autoencoder);
  const Tensor latent = nn::Parameter(rng.uniform({1, 3, 2}));
  optim::Sgd optimizer(nn::named_parameters(autoencoder));
  sum(autoencoder.decode(latent).z).backward();
  CHECK(latent.grad().defined());
  optimizer.step(.1);
  const nn::NamedTensors now = nn::named_tensors(autoencoder), then = nn::named_tensors(before);
  CHECK_EQ(now.size(), 4);
  for (size_t i = 0; i < now.size(); ++i) {
    CHECK_FALSE(now[i].tensor.requires_grad());
    CHECK(same_bits(now[i].tensor, then[i].tensor));
  }
  // Other weights are frozen too.
  const Tensor w = nn::Parameter(rng.normal({2, 4}));
  autoencoder.set_weights(w, zeros({2}), nn::Parameter(rng.normal({4, 2})), zeros({4}));
  CHECK_FALSE(autoencoder.encode(ones({1, 4})).h.requires_grad());
}

TEST_CASE("linear autoencoder: refused calls name what they got") {
  Generator rng(6);
  CHECK_EQ(message_of<ConfigError>([&] { LinearAutoencoder({.channels = 0}, rng); }),
           "a linear autoencoder needs at least one channel and one latent channel, got 0 and 4");
  CHECK_THROWS_AS(LinearAutoencoder({.patch = {1, 0, 8}}, rng), ConfigError);
  LinearAutoencoder autoencoder({.channels = 1, .patch = {1, 2, 2}, .latent_channels = 2}, rng);
  CHECK_THROWS_AS(autoencoder.to_latents(zeros({1, 2, 1, 3, 4})), ShapeError);
  CHECK_EQ(
      message_of<ShapeError>([&] { autoencoder.set_weights(zeros({2, 4}), zeros({3}), zeros({4, 2}), zeros({4})); }),
      "the set of weights of a linear autoencoder does not fit; of another shape: encoder.bias ([3] instead of [2])");
}
