// The video autoencoder: shapes, checks, gradients, normalised latents, learning, and weights that stay frozen.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/models/autoencoder/objective.h>
#include <ditharos/models/autoencoder/video.h>
#include <ditharos/optim/adam.h>
#include <ditharos/training/trainer.h>

namespace ditharos::test_video_autoencoder {

using namespace ditharos::models;

namespace {

VideoAutoencoderConfig tiny(int64_t time_stride = 1) {
  return {.latent_channels = 2, .width = 4, .max_width = 8, .groups = 2, .stages = 2, .time_stride = time_stride};
}

VideoAutoencoder build(const VideoAutoencoderConfig& config, uint64_t seed = 1) {
  Generator rng(seed);
  return VideoAutoencoder(config, rng);
}

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// Clips of a bright square that moves over a slope of colour.
Tensor moving_squares(int64_t clips, int64_t frames, uint64_t seed) {
  constexpr int64_t side = 16;
  std::vector<float> pixels(size_t(clips * frames * 3 * side * side));
  Generator rng(seed);
  size_t i = 0;
  for (int64_t b = 0; b < clips; ++b) {
    const int64_t x0 = int64_t(rng.uniform() * 8), y0 = int64_t(rng.uniform() * 8);
    for (int64_t f = 0; f < frames; ++f)
      for (int64_t c = 0; c < 3; ++c)
        for (int64_t y = 0; y < side; ++y)
          for (int64_t x = 0; x < side; ++x) {
            const bool inside = x >= x0 + f && x < x0 + f + 4 && y >= y0 && y < y0 + 4;
            pixels[i++] = inside ? .9f - .5f * float(c) : float(y) / 10 - .8f + .2f * float(c);
          }
  }
  return from_vector(pixels, {clips, frames, 3, side, side});
}

}  // namespace

TEST_CASE("video autoencoder: its elements are counted without building it") {
  std::vector<VideoAutoencoderConfig> configs{tiny(1), tiny(2), tiny(4), {}};
  configs.push_back({.channels = 5,
                     .latent_channels = 3,
                     .width = 6,
                     .max_width = 12,
                     .blocks = 3,
                     .groups = 3,
                     .stages = 3,
                     .time_stride = 4});
  configs.push_back({.width = 8, .max_width = 8, .stages = 0});
  for (const VideoAutoencoderConfig& config : configs) {
    VideoAutoencoder model = build(config);
    int64_t elements = 0;
    for (const nn::NamedTensor& t : nn::named_tensors(model)) elements += t.tensor.numel();
    CHECK_EQ(count_elements(config), elements);
  }
}

TEST_CASE("video autoencoder: shapes for every time stride, any size that the strides divide") {
  const NoGrad no_grad;
  Generator rng(2);
  for (const int64_t time_stride : {1, 2, 4}) {
    CAPTURE(time_stride);
    const VideoAutoencoder model = build(tiny(time_stride));
    for (const Shape& shape : {Shape{2, 4, 3, 8, 12}, Shape{1, 8, 3, 4, 4}}) {
      const Tensor clips = rng.normal(shape);
      const LatentDistribution z = model.encode(clips);
      CHECK_EQ(z.mean.shape(), Shape{shape[0], shape[1] / time_stride, 2, shape[3] / 4, shape[4] / 4});
      CHECK_EQ(z.log_variance.shape(), z.mean.shape());
      CHECK_EQ(model.decode(z.mean).shape(), shape);
    }
  }
}

TEST_CASE("video autoencoder: frames are independent of each other unless time_stride is above 1") {
  const NoGrad no_grad;
  Generator rng(3);
  const Tensor clip = rng.normal({1, 4, 3, 8, 8});
  const Tensor other = cat({narrow(clip, 1, 0, 3), rng.normal({1, 1, 3, 8, 8})}, 1);  // another last frame
  for (const int64_t time_stride : {1, 2}) {
    const VideoAutoencoder model = build(tiny(time_stride));
    const Tensor a = model.encode(clip).mean, b = model.encode(other).mean;
    CHECK_EQ(narrow(a, 1, 0, 1).to_vector<float>(), narrow(b, 1, 0, 1).to_vector<float>());
    const bool second_equal = narrow(a, 1, 1, 1).to_vector<float>() == narrow(b, 1, 1, 1).to_vector<float>();
    CHECK_EQ(second_equal, time_stride == 1);
  }
}

TEST_CASE("video autoencoder: what does not fit is named, with the nearest that does") {
  const VideoAutoencoder model = build(tiny(2));
  const std::string odd = message_of([&] { model.encode(zeros({1, 5, 3, 30, 33})); });
  CHECK_MESSAGE(odd.find("5 frames of 30x33") != std::string::npos, odd);
  CHECK_MESSAGE(odd.find("nearest that fits is 6 frames of 32x32") != std::string::npos, odd);
  CHECK_THROWS_AS(model.encode(zeros({1, 4, 1, 8, 8})), ShapeError);
  CHECK_THROWS_AS(model.encode(zeros({4, 3, 8, 8})), ShapeError);
  CHECK_THROWS_AS(model.decode(zeros({1, 2, 3, 2, 2})), ShapeError);
  CHECK_THROWS_AS(model.from_latents(zeros({1, 2, 1, 2, 2})), ShapeError);

  const auto refused = [](auto change) {
    VideoAutoencoderConfig config = tiny();
    change(config);
    return message_of([&] { config.validate(); });
  };
  CHECK(refused([](auto&) {}).empty());
  CHECK(refused([](auto& c) { c.time_stride = 3; }).find("1, 2 or 4, got 3") != std::string::npos);
  CHECK(refused([](auto& c) { c.groups = 3; }).find("groups = 3") != std::string::npos);
  CHECK(refused([](auto& c) { c.stages = 7; }).find("stages") != std::string::npos);
  CHECK(refused([](auto& c) { c.max_width = 2; }).find("max_width") != std::string::npos);
}

TEST_CASE("video autoencoder: gradients of the loss against differences, clips and every parameter") {
  for (const int64_t time_stride : {1, 2}) {
    CAPTURE(time_stride);
    Generator rng(4);
    VideoAutoencoder model(
        {.latent_channels = 2, .width = 2, .max_width = 2, .groups = 1, .stages = 1, .time_stride = time_stride}, rng);
    // Every parameter in f64, away from its starting value: zeros would hide what is behind them.
    struct Replace : nn::Visitor {
      std::vector<Tensor*> parameters;
      void on_parameter(const std::string&, Tensor& p) override { parameters.push_back(&p); }
      void on_buffer(const std::string&, Tensor& b) override { b = to(b, DType::f64); }
    } all;
    model.visit(all);
    std::vector<Tensor> inputs{rng.normal({1, 2, 3, 4, 4}, DType::f64)};
    for (const Tensor* p : all.parameters) {
      const Tensor start = to(p->detach(), DType::f64);
      inputs.push_back(start + rng.normal(start.shape(), DType::f64) * .1);
    }
    const auto loss = [&](const std::vector<Tensor>& x) {
      for (size_t i = 0; i < all.parameters.size(); ++i) *all.parameters[i] = x[i + 1];
      Generator noise(5);
      const AutoencoderObjective objective(model, {.kl_weight = .5});
      return objective.loss({}, x[0], noise).total;
    };
    const GradcheckResult result = gradcheck(loss, inputs, {.order = 1});
    CHECK_MESSAGE(result.ok, result.message);
  }
}

TEST_CASE("video autoencoder: the divergence is that of two normal distributions") {
  // 1/2 (m^2 + s^2 - 1 - ln s^2), here for m = 1.5 and s^2 = e^-2; and 0 for a standard normal distribution.
  const LatentDistribution z{full({1, 1, 1, 1, 2}, 1.5, DType::f64), full({1, 1, 1, 1, 2}, -2, DType::f64)};
  CHECK_EQ(z.kl_divergence().item(), doctest::Approx(.5 * (2.25 + std::exp(-2.0) - 1 + 2)));
  const LatentDistribution standard{zeros({1, 1, 1, 1, 1}), zeros({1, 1, 1, 1, 1})};
  CHECK_EQ(standard.kl_divergence().item(), 0);
  Generator rng(6);
  const LatentDistribution wide{full({1, 1, 1, 100, 100}, 2), full({1, 1, 1, 100, 100}, std::log(9.0))};
  const Tensor draw = wide.sample(rng);
  CHECK_EQ(mean(draw).item(), doctest::Approx(2).epsilon(.05));
  CHECK_EQ(standard_deviation(draw).item(), doctest::Approx(3).epsilon(.05));
}

TEST_CASE("video autoencoder: latents of unit variance, and their decoding") {
  const NoGrad no_grad;
  VideoAutoencoder model = build(tiny());
  const Tensor clips = moving_squares(4, 4, 7);
  const Tensor raw = model.encode(clips).mean;
  CHECK_EQ(model.to_latents(clips).to_vector<float>(), raw.to_vector<float>());  // statistics 0 and 1 at first
  LatentStatistics statistics(2);
  statistics.add(narrow(raw, 0, 0, 1));
  statistics.add(narrow(raw, 0, 1, 3));
  model.set_latent_statistics(statistics.mean(), statistics.standard_deviation());

  const Tensor z = model.to_latents(clips);
  for (int64_t c = 0; c < 2; ++c) {
    const Tensor channel = contiguous(select(z, 2, c));
    CHECK(std::abs(mean(channel).item()) < 1e-5);
    CHECK_EQ(standard_deviation(channel).item(), doctest::Approx(1).epsilon(1e-4));
  }
  const Tensor direct = model.decode(raw), round_trip = model.from_latents(z);
  CHECK(amax(abs(direct - round_trip)).item() < 1e-4);

  CHECK_THROWS_AS(model.set_latent_statistics(zeros({2}), zeros({2})), Error);
  CHECK_THROWS_AS(model.set_latent_statistics(zeros({3}), ones({3})), ShapeError);
  CHECK_EQ(model.to_latents(clips).to_vector<float>(), z.to_vector<float>());  // refused: nothing changed
}

TEST_CASE("video autoencoder: learns to reconstruct clips") {
  VideoAutoencoderConfig config = tiny();
  config.latent_channels = 4;
  config.width = config.max_width = 8;
  VideoAutoencoder model = build(config);
  const auto objective = std::make_shared<AutoencoderObjective>(model, AutoencoderLoss{.kl_weight = 1e-4});
  training::Trainer trainer(model, {}, objective,
                            std::make_unique<optim::AdamW>(nn::named_parameters(model), optim::AdamOptions{}),
                            {.clip_norm = 1, .ema_decay = .9, .schedule = {.lr = 5e-3, .warmup_steps = 5}});
  const Tensor held_out = moving_squares(4, 4, 1000);
  const auto error = [&] {
    const NoGrad no_grad;
    return std::sqrt(mse_loss(model.decode(model.encode(held_out).mean), held_out).item()) / 2;
  };
  const double before = error();
  for (uint64_t step = 0; step < 100; ++step) trainer.step(moving_squares(4, 4, step));
  CHECK_MESSAGE(error() < .3 * before, before, " -> ", error());
}

}  // namespace ditharos::test_video_autoencoder
