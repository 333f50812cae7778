// Step [10] of the exercise: the loss, its gradient by hand, by backward() and by finite differences, and training.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/optim/sgd.h>
#include <ditharos/tensor/io/safetensors.h>
#include "examples/by_hand/prepare.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::by_hand;
using ditharos::tests::same_bits;

namespace {

/// The exercise as printed, whose numbers the article's second correction belongs to.
Run as_printed() {
  Options options;
  options.as_printed = true;
  return prepare(options);
}

Run soft_run(uint64_t seed = 0) {
  Options options;
  options.soft = true;
  options.seed = seed;
  return prepare(options);
}

struct Pass {
  Tensor noised, condition, loss;
  Stages stages;
};
Pass forward(const Run& run) {
  Pass pass;
  pass.noised = add_noise(latents_of(run.video, run), run.noise, 1);
  pass.condition = unsqueeze(condition_vector(run.prompt, *run.steps, run.sizes.bits), 0);
  pass.stages = run.model.stages(pass.noised, pass.condition);
  pass.loss = mse_loss(pass.stages.predicted, run.noise);
  return pass;
}

std::vector<double> numbers(const Tensor& x) { return x.to_vector<double>(); }

}  // namespace

TEST_CASE("sora [10]: the MSE is 9/8, and element (2, 2) of the gradient is -1") {
  const Result result = walk(as_printed());
  CHECK_EQ(result.loss, 9. / 8);
  const Matrix& g = *result.trace.find("G");
  CHECK_EQ(g.values, std::vector<double>{0, -2, -1, 1, -1, -1, -1, 0});
  CHECK_EQ(g.values[g.at(1, 1)], -1);
  CHECK(g.sources[g.at(1, 1)] == Source::article);
}

TEST_CASE("sora [10]: the gradient without the factor is predicted - sampled, with it 2/n of that") {
  const Run run = as_printed();
  const Pass pass = forward(run);
  const Tensor difference = pass.stages.predicted - run.noise;
  CHECK_EQ(numbers(grad(pass.loss, pass.stages.predicted)), numbers(difference * (2. / 8)));
  const Pass again = forward(run);
  CHECK_EQ(numbers(grad(sum(square(again.stages.predicted - run.noise)) / 2.0, again.stages.predicted)),
           numbers(difference));
}

TEST_CASE("sora [10]: gradients of the feed-forward, of scale and shift, and of the adaptive norm, to the digit") {
  const Run run = as_printed();
  const Pass pass = forward(run);
  const std::vector<Tensor> g =
      grad({pass.loss}, {run.model.feed_forward.weight, run.model.feed_forward.bias, pass.stages.modulation,
                         run.model.ada_ln.weight, run.model.ada_ln.bias});
  CHECK_EQ(numbers(g[0]), std::vector<double>{1, -2, .25, -2.75});
  CHECK_EQ(numbers(g[1]), std::vector<double>{-.5, -.75});
  CHECK_EQ(numbers(g[2]), std::vector<double>{.25, 1.5, -.5, 1.25});
  CHECK_EQ(numbers(g[4]), numbers(g[2]));
  CHECK_EQ(numbers(g[3]), numbers(outer(squeeze(g[2], 0), squeeze(pass.condition, 0))));  // dWa = dy c^T
  for (int64_t r = 0; r < 4; ++r) CHECK_EQ(numbers(g[3])[size_t(r * 5)], 0);  // its first column is exactly 0
}

TEST_CASE("sora [10]: one SGD step at 0.001 takes the MSE from 1.125 to 1.09186") {
  const Result result = walk(as_printed());
  CHECK_EQ(result.loss, 1.125);
  CHECK_EQ(result.loss_after, doctest::Approx(1.0918628039476197).epsilon(1e-14));
}

TEST_CASE("sora [10]: backpropagation through [5] to [9] agrees with finite differences, parameter by parameter") {
  for (const bool soft : {false, true}) {
    const Run run = soft ? soft_run() : as_printed();
    const Pass pass = forward(run);
    HandDiT model = nn::clone(run.model);
    const nn::NamedTensors parameters = nn::named_parameters(model);
    CHECK_EQ(parameters.size(), 6);
    mse_loss(model(pass.noised, pass.condition), run.noise).backward();
    for (const auto& [name, parameter] : parameters) {
      const std::string label = name;
      CAPTURE(label);
      const bool frozen = !soft && name.starts_with("attention.");  // choosing the largest has no derivative
      const std::vector<double> got =
          parameter.grad().defined() ? numbers(parameter.grad()) : std::vector<double>(size_t(parameter.numel()));
      for (int64_t i = 0; i < parameter.numel(); ++i) {
        const double h = 1e-5;
        double* values = parameter.mutable_data<double>();
        const double old = values[i];
        values[i] = old + h;
        const double above = mse_loss(model(pass.noised, pass.condition), run.noise).item();
        parameter.mutable_data<double>()[i] = old - h;
        const double below = mse_loss(model(pass.noised, pass.condition), run.noise).item();
        parameter.mutable_data<double>()[i] = old;
        CHECK_EQ(got[size_t(i)], doctest::Approx((above - below) / (2 * h)).epsilon(1e-6).scale(1));
        if (frozen) CHECK_EQ(got[size_t(i)], 0);
      }
    }
  }
}

TEST_CASE("sora [10]: every learnable parameter moves, and encoder and decoder stay byte-identical") {
  Run run = soft_run();
  nn::audit(forward(run).loss, run.model);
  const HandDiT before = nn::clone(run.model);
  const models::LinearAutoencoder frozen = nn::clone(run.autoencoder);
  train(run, {.steps = 5});
  const nn::NamedTensors now = nn::named_parameters(run.model), then = nn::named_parameters(before);
  for (size_t i = 0; i < now.size(); ++i) {
    CAPTURE(now[i].name);
    CHECK_FALSE(same_bits(now[i].tensor, then[i].tensor));
  }
  const nn::NamedTensors weights = nn::named_parameters(run.autoencoder), stored = nn::named_parameters(frozen);
  CHECK_EQ(weights.size(), 4);
  for (size_t i = 0; i < weights.size(); ++i) CHECK(same_bits(weights[i].tensor, stored[i].tensor));
}

TEST_CASE("sora [10]: the loss falls, and the same seed gives the same run") {
  const auto losses_of = [](Run& run, uint64_t seed) {
    std::vector<double> losses;
    train(run, {.steps = 400, .seed = seed}, [&](int64_t, double loss) { losses.push_back(loss); });
    return losses;
  };
  Run first = soft_run(1), second = soft_run(1), third = soft_run(1);
  const std::vector<double> losses = losses_of(first, 1);
  CHECK(losses.size() >= 8);
  CHECK(losses.front() > 1);  // worse than no prediction at all
  CHECK(losses.back() < .3);  // much better
  CHECK_EQ(losses_of(second, 1), losses);
  for (size_t i = 0; i < 6; ++i)
    CHECK(same_bits(nn::named_parameters(first.model)[i].tensor, nn::named_parameters(second.model)[i].tensor));
  CHECK_NE(losses_of(third, 2), losses);
}

TEST_CASE("sora [10]: a trained network beats predicting nothing on noise that it never saw, at every step") {
  Run run = soft_run();
  train(run, {});
  Generator rng(99);
  for (int64_t t = 1; t <= 3; ++t) {
    const Tensor latent = latents_of(run.video, run);
    const Tensor noise = rng.normal({200, 4, 2}, DType::f64);
    const Tensor condition = expand(unsqueeze(condition_vector(run.prompt, t, 2), 0), {200, 5});
    const Tensor predicted = run.model(latent + noise * noise_level(t, 3), condition);
    CHECK(mse_loss(predicted, noise).item() < .6 * mean(square(noise)).item());
  }
}

TEST_CASE("sora: saved and loaded weights give bit-equal output, and run on other sizes") {
  const tests::TemporaryFolder folder;
  Run run = soft_run();
  train(run, {.steps = 20});
  std::map<std::string, Tensor> saved;
  for (const auto& [name, tensor] : nn::named_tensors(run.model)) saved[name] = tensor;
  safetensors::save(folder / "hand.safetensors", saved);
  Run other = soft_run(9);
  nn::NamedTensors loaded;
  for (const auto& [name, tensor] : safetensors::load(folder / "hand.safetensors").tensors)
    loaded.push_back({name, tensor});
  nn::load_state_dict(other.model, loaded);
  other.noise = run.noise;
  CHECK(same_bits(walk(other).video, walk(run).video));
  CHECK(same_bits(walk(other).denoised, walk(run).denoised));
  for (const Shape& shape : {Shape{8, 1, 2, 2}, Shape{2, 1, 4, 6}, Shape{1, 1, 6, 2}}) {  // longer, larger, upright
    other.video = Generator(1).uniform(shape, DType::f64);
    other.grid = models::patch_grid({1, shape[0], 1, shape[2], shape[3]}, other.sizes.patch);
    other.noise = Generator(2).normal({1, other.grid.tokens(), 2}, DType::f64);
    CHECK_EQ(walk(other).video.shape(), shape);
  }
}
