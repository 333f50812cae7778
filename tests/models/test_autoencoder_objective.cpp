// The training of autoencoders: gradients of the loss, the perceptual distance, and a short training that succeeds.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/data/datasets/open.h>
#include <ditharos/models/autoencoder/autoencoder.h>
#include <ditharos/models/autoencoder/objective.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/optim/adam.h>
#include <ditharos/training/trainer.h>

using namespace ditharos;
using namespace ditharos::models;

namespace {

/// Every tensor of a module, to be replaced.
struct Tensors : nn::Visitor {
  explicit Tensors(nn::ModuleBase& module) { module.visit(*this); }
  void on_parameter(const std::string&, Tensor& p) override { parameters.push_back(&p); }
  void on_buffer(const std::string&, Tensor& b) override { b = to(b, DType::f64); }
  std::vector<Tensor*> parameters;
};

ConvClassifier f64_classifier(int64_t channels) {
  Generator rng(8);
  ConvClassifier classifier({.channels = channels, .height = 8, .width = 8, .classes = 3, .features = 4}, rng);
  for (Tensor* p : Tensors(classifier).parameters) *p = to(p->detach(), DType::f64);
  return classifier;
}

}  // namespace

TEST_CASE("autoencoder objective: gradients of every loss against differences, images and every parameter") {
  struct Case {
    std::string name;
    AutoencoderLoss loss;
  };
  for (const Case& c :
       {Case{"l2", {.kl_weight = .5}}, Case{"l1", {.reconstruction = ReconstructionError::l1, .kl_weight = .5}},
        Case{"perceptual", {.kl_weight = .1, .perceptual_weight = .7}}}) {
    CAPTURE(c.name);
    Generator rng(4);
    AutoencoderKL model({.in_channels = 2,
                         .out_channels = 2,
                         .latent_channels = 2,
                         .block_out_channels = {2, 4},
                         .layers_per_block = 1,
                         .norm_num_groups = 2},
                        rng);
    const Tensors all(model);
    // Far from what is decoded: no step of the differences crosses the kink of an absolute difference.
    std::vector<Tensor> inputs{rng.normal({2, 2, 4, 4}, DType::f64) + 6};
    for (const Tensor* p : all.parameters) {
      const Tensor start = to(p->detach(), DType::f64);
      inputs.push_back(start + rng.normal(start.shape(), DType::f64) * .1);
    }
    std::optional<PerceptualLoss> perceptual;
    if (c.loss.perceptual_weight > 0) perceptual.emplace(f64_classifier(2));
    const AutoencoderObjective objective(model, c.loss, perceptual);
    const auto loss = [&](const std::vector<Tensor>& x) {
      for (size_t i = 0; i < all.parameters.size(); ++i) *all.parameters[i] = x[i + 1];
      Generator noise(5);
      return objective.loss({}, x[0], noise).total;
    };
    const GradcheckResult result = gradcheck(loss, inputs, {.order = 1, .step = 1e-4, .tolerance = 1e-6});
    CHECK_MESSAGE(result.ok, result.message);
  }
}

TEST_CASE("autoencoder objective: the loss is the sum that its documentation names") {
  Generator rng(6);
  const AutoencoderKL model({.block_out_channels = {4, 4}, .layers_per_block = 1, .norm_num_groups = 2}, rng);
  const ConvClassifier classifier({.channels = 3, .height = 8, .width = 8}, rng);
  const Tensor clips = rng.normal({2, 3, 3, 8, 8});
  const auto value = [&](const AutoencoderLoss& config) {
    Generator noise(7);
    return AutoencoderObjective(model, config, PerceptualLoss(classifier)).loss({}, clips, noise);
  };
  Generator noise(7);
  const LatentDistribution z = model.encode(clips);
  const Tensor decoded = model.decode(z.sample(noise));
  const double l1 = l1_loss(decoded, clips).item(), l2 = mse_loss(decoded, clips).item(), kl = z.kl_divergence().item();
  const auto images = [](const Tensor& x) { return reshape(x, {6, 3, 8, 8}); };
  const double seen = mean(PerceptualLoss(classifier)(images(decoded), images(clips))).item();
  CHECK_EQ(value({.kl_weight = .3}).total.item(), doctest::Approx(l2 + .3 * kl));
  CHECK_EQ(value({.reconstruction = ReconstructionError::l1, .kl_weight = 0}).total.item(), doctest::Approx(l1));
  const Loss full = value({.kl_weight = .3, .perceptual_weight = 2});
  CHECK_EQ(full.total.item(), doctest::Approx(l2 + .3 * kl + 2 * seen));
  CHECK_EQ(mean(full.per_sample).item(), doctest::Approx(l2 + 2 * seen));
  CHECK_EQ(full.per_sample.shape(), Shape{2});

  CHECK_THROWS_AS(AutoencoderObjective(model, {.kl_weight = -1}), ConfigError);
  CHECK_THROWS_AS(AutoencoderObjective(model, {.perceptual_weight = -1}), ConfigError);
  CHECK_THROWS_AS(AutoencoderObjective(model, {.perceptual_weight = 1}), ConfigError);  // no classifier
}

TEST_CASE("perceptual loss: a classifier of gray images sees the mean of red, green and blue") {
  Generator rng(4);
  const PerceptualLoss distance(ConvClassifier({.channels = 1, .height = 8, .width = 8, .classes = 3}, rng));
  const Tensor a = rng.normal({2, 3, 8, 8}), b = rng.normal({2, 3, 8, 8});
  CHECK(distance(a, b).to_vector<double>() == distance(mean(a, {1}, true), mean(b, {1}, true)).to_vector<double>());
  CHECK_THROWS_AS(static_cast<void>(distance(zeros({1, 2, 8, 8}), zeros({1, 2, 8, 8}))), ShapeError);
}

TEST_CASE("perceptual loss: zero for equal images, positive for others, and its classifier is not trained") {
  Generator rng(9);
  const ConvClassifier classifier({.channels = 3, .height = 8, .width = 8}, rng);
  const PerceptualLoss distance(classifier);
  const Tensor a = rng.normal({2, 3, 12, 9});  // of another size than the classifier's
  const Tensor b = a + rng.normal(a.shape()) * .1;
  a.set_requires_grad();
  CHECK(distance(a, a.detach()).to_vector<float>() == std::vector<float>{0, 0});
  const Tensor some = distance(a, b.detach()), more = distance(a, a.detach() + (b.detach() - a.detach()) * 3);
  for (int64_t i = 0; i < 2; ++i) {
    CHECK(some.to_vector<float>()[size_t(i)] > 0);
    CHECK(more.to_vector<float>()[size_t(i)] > some.to_vector<float>()[size_t(i)]);
  }
  sum(some).backward();
  CHECK(a.grad().defined());
  for (const nn::NamedTensor& p : nn::named_parameters(classifier)) CHECK_FALSE(p.tensor.grad().defined());
  CHECK_THROWS_AS(static_cast<void>(distance(zeros({1, 1, 8, 8}), zeros({1, 1, 8, 8}))), ShapeError);
  CHECK_THROWS_AS(static_cast<void>(distance(zeros({1, 3, 8, 8}), zeros({2, 3, 8, 8}))), ShapeError);
}

TEST_CASE("autoencoder objective: an AutoencoderKL learns to reconstruct images, with every loss") {
  const data::Dataset shapes = data::read_dataset(*data::open_images("shapes", data::Split::train).source);
  REQUIRE(shapes.size() > 500);
  for (const AutoencoderLoss& loss :
       {AutoencoderLoss{.kl_weight = 1e-5},
        AutoencoderLoss{.reconstruction = ReconstructionError::l1, .kl_weight = 1e-5, .perceptual_weight = .02}}) {
    Generator rng(10);
    const int64_t channels = shapes.channels();
    AutoencoderKL model({.in_channels = channels,
                         .out_channels = channels,
                         .block_out_channels = {8, 16},
                         .layers_per_block = 1,
                         .norm_num_groups = 4},
                        rng);
    const ConvClassifier classifier({.channels = channels, .height = shapes.height(), .width = shapes.width()}, rng);
    const auto objective = std::make_shared<AutoencoderObjective>(model, loss, PerceptualLoss(classifier));
    training::Trainer trainer(model, {}, objective,
                              std::make_unique<optim::AdamW>(nn::named_parameters(model), optim::AdamOptions{}),
                              {.clip_norm = 1, .ema_decay = .9, .schedule = {.lr = 4e-3, .warmup_steps = 5}});
    const auto batch = [&](int64_t first) {
      return to(narrow(shapes.images(), 0, first, 8), DType::f32) * (1 / 127.5) - 1;
    };
    const Tensor held_out = batch(0);
    const auto error = [&] {
      const NoGrad no_grad;
      return std::sqrt(mse_loss(model(held_out), held_out).item()) / 2;
    };
    const double before = error();
    for (int64_t step = 0; step < 60; ++step) trainer.step(batch(8 + 8 * step));
    CHECK_MESSAGE(error() < .35 * before, before, " -> ", error());
  }
}

TEST_CASE("autoencoder: one description builds both kinds") {
  AutoencoderConfig config{.kind = AutoencoderKind::kl,
                           .sizes = {.latent_channels = 2, .width = 4, .max_width = 8, .groups = 2, .stages = 3}};
  CHECK(config.kl().block_out_channels == std::vector<int64_t>{4, 8, 8, 8});
  Generator rng(11);
  const Tensor clips = rng.normal({1, 2, 3, 16, 8});
  for (const AutoencoderKind kind : {AutoencoderKind::video, AutoencoderKind::kl}) {
    config.kind = kind;
    const Autoencoder model(config, rng);
    int64_t elements = 0;
    for (const nn::NamedTensor& t : nn::named_tensors(model)) elements += t.tensor.numel();
    CHECK_EQ(count_elements(config), elements);
    CHECK_EQ(model.latent_shape(clips.shape()), Shape{1, 2, 2, 2, 1});
    CHECK_EQ(config.latent_shape(clips.shape()), Shape{1, 2, 2, 2, 1});
    const NoGrad no_grad;
    const Tensor latents = model.to_latents(clips);
    CHECK_EQ(latents.shape(), Shape{1, 2, 2, 2, 1});
    CHECK_EQ(model.from_latents(latents).shape(), clips.shape());
    CHECK_EQ(model.channels(), 3);
    CHECK_EQ(model.latent_channels(), 2);
    CHECK_EQ(model.stride(), 8);
    CHECK_EQ(model.time_stride(), 1);
  }
  config = {.kind = AutoencoderKind::kl, .sizes = {.time_stride = 2}};
  CHECK_THROWS_AS(Autoencoder(config, rng), ConfigError);
}
