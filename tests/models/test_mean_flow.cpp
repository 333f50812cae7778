// MeanFlow: the objective against torch.func.jvp, guidance, one-step samples, and a DiT with two times.
#include <cmath>

#include <doctest/doctest.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/mean_flow.h>
#include <ditharos/models/dit/cost.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/evaluation/energy_distance.h>
#include <ditharos/models/samplers/euler.h>
#include <ditharos/models/samplers/mean_flow.h>
#include <ditharos/models/samplers/sampler.h>
#include <ditharos/nn/linear.h>
#include <ditharos/optim/adam.h>
#include <ditharos/training/trainer.h>
#include "tests/support/golden.h"
#include "tests/support/message_of.h"
#include "tests/support/small_dit.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::difference;
using ditharos::tests::Golden;
using ditharos::tests::message_of;

namespace {

/// The network of make_mean_flow_golden.py; labels [B, 1] are of the same numbers as conditions i64 [B].
struct GoldenNetwork {
  nn::NamedTensors parameters;

  explicit GoldenNetwork(const Golden& golden) : parameters(golden.with_prefix("network.")) {
    for (nn::NamedTensor& p : parameters) {
      p.tensor = p.tensor * 1.0;  // the golden file's own would sum the gradients of all cases
      p.tensor.set_requires_grad();
    }
  }
  const Tensor& at(const std::string& name) const {
    for (const nn::NamedTensor& p : parameters)
      if (p.name == name) return p.tensor;
    FAIL("no parameter " << name);
    return parameters[0].tensor;
  }
  Tensor operator()(const Tensor& x, const Tensor& t, const Tensor& labels) const {
    const auto layer = [&](const std::string& name, const Tensor& in) {
      return linear(in, at(name + ".weight"), at(name + ".bias"));
    };
    const Tensor h = silu(layer("one", cat({x, t, unsqueeze(to(labels, x.dtype()), 1)}, 1)));
    return layer("three", tanh(layer("two", h)));
  }
};

/// Draws no random numbers of its own: gives stored ones to conditional_loss() by way of loss_terms().
Tensor golden_losses(const Golden& golden, const GoldenNetwork& network, const MeanFlow& mean_flow) {
  const Tensor data = golden.at("data"), noise = golden.at("noise");
  const Tensor labels = to(squeeze(golden.at("label"), 1), DType::i64);
  const MeanFlow::Intervals intervals{golden.at("begin").to_vector<double>(), golden.at("end").to_vector<double>()};
  const Tensor velocity =
      mean_flow.training_velocity(network, labels, scalar(2, DType::i64), data, noise, intervals.begin);
  return mean_flow.loss_terms([&](const Tensor& x, const Tensor& t) { return network(x, t, labels); }, data, intervals,
                              noise, velocity);
}

/// A velocity, or an average velocity, in the plane.
struct PlaneNetwork : nn::Module<PlaneNetwork> {
  nn::Linear one, two, three;
  explicit PlaneNetwork(Generator& rng) : one(4, 96, rng), two(96, 96, rng), three(96, 2, rng) {}
  Tensor forward(const Tensor& x, const Tensor& t) const {
    const Tensor times = t.rank() == 2 ? t : expand(unsqueeze(t, 1), {t.size(0), 2});
    return three(silu(two(silu(one(cat({x, times}, 1))))));
  }
  void visit(nn::Visitor& v) override { v("one", one), v("two", two), v("three", three); }
};

/// Points around the four corners of a square.
Tensor corners(int64_t n, Generator& rng) {
  return rng.normal({n, 2}) * .15 + (to(rng.randint(0, 2, {n, 2}), DType::f32) * 3.0 - 1.5);
}

PlaneNetwork train(const std::shared_ptr<const Objective>& objective, int64_t steps) {
  Generator rng(1);
  PlaneNetwork network(rng);
  training::TrainerConfig config;
  config.schedule = {.lr = 4e-3, .warmup_steps = 50, .decay = optim::Decay::cosine, .total_steps = steps};
  training::Trainer trainer(
      network, [&](const Tensor& x, const Tensor& t, const Tensor&) { return network(x, t); }, objective,
      std::make_unique<optim::AdamW>(nn::named_parameters(network)), config);
  for (int64_t i = 0; i < steps; ++i) trainer.step(corners(256, rng), {});
  return network;
}

}  // namespace

TEST_CASE("MeanFlow: losses and gradients are those of torch.func.jvp") {
  const Golden golden("mean_flow.safetensors");
  for (const char* name : {"plain", "adaptive", "half", "guided", "guided_adaptive"}) {
    CAPTURE(std::string(name));
    const GoldenNetwork network(golden);
    const std::vector<double> s = golden.at(std::string(name) + ".settings").to_vector<double>();
    const MeanFlow mean_flow({}, {.adaptive_power = s[0], .adaptive_offset = s[1], .omega = s[2], .kappa = s[3]});
    const Tensor losses = golden_losses(golden, network, mean_flow);
    CHECK(difference(losses, golden.at(std::string(name) + ".loss")) < 1e-10);
    mean(losses).backward();
    for (const nn::NamedTensor& p : network.parameters)
      CHECK(difference(p.tensor.grad(), golden.at(std::string(name) + ".grad." + p.name)) < 1e-10);
  }
  CHECK(live_nodes() == 0);
}

TEST_CASE("MeanFlow: intervals begin before they end, and a share of them has a length") {
  Generator rng(2);
  const MeanFlow mean_flow({.time_sampling = TimeSampling::logit_normal, .logit_mean = .4}, {.interval_share = .25});
  const MeanFlow::Intervals intervals = mean_flow.sample_intervals(400, rng);
  int64_t longer = 0;
  for (size_t i = 0; i < 400; ++i) {
    CHECK(intervals.begin[i] >= 0);
    CHECK(intervals.begin[i] <= intervals.end[i]);
    CHECK(intervals.end[i] <= 1);
    longer += intervals.begin[i] < intervals.end[i];
  }
  CHECK(longer == 100);
  CHECK(message_of<ConfigError>([] { MeanFlow({}, {.interval_share = 2}); }) ==
        "interval_share must be in [0, 1], got 2.000000");
  CHECK(message_of<ConfigError>([] { MeanFlow({.path = PathKind::gvp}); }) ==
        "mean_flow is trained on the linear path, predicts a velocity, and has no loss weighting");
}

TEST_CASE("MeanFlow: one step draws the distribution that a flow needs many for") {
  constexpr int64_t steps = 1500, points = 600;
  const MeanFlowConfig half{.interval_share = .5};
  const PlaneNetwork average = train(std::make_shared<MeanFlow>(FlowConfig{}, half), steps);
  const PlaneNetwork velocity = train(std::make_shared<Flow>(), steps);
  Generator rng(9);
  const Tensor data = corners(points, rng), noise = rng.normal({points, 2});
  const auto of = [](const PlaneNetwork& network) {
    return [&](const Tensor& x, const Tensor& t) { return network(x, t); };
  };
  const double one = energy_distance(sample_mean_flow(MeanFlow(), of(average), noise, 1), data);
  const double two = energy_distance(sample_mean_flow(MeanFlow(), of(average), noise, 2), data);
  const double euler = energy_distance(sample_euler(Flow(), of(velocity), noise, 1), data);
  MESSAGE("energy distance: MeanFlow " << one << " in one step, " << two << " in two; Euler's step " << euler);
  CHECK(euler > .5);
  CHECK(one < .1 * euler);
  CHECK(two < .1 * euler);
}

TEST_CASE("MeanFlow: a DiT with two times, of images and clips") {
  DiTConfig config = tests::image_config();
  config.interval_times = true;
  Generator rng(5);
  const DiT model = tests::randomized(DiT(config, rng));
  CHECK(nn::parameter_count(model) == count_parameters(config).trainable);
  bool found = false;
  for (const nn::NamedTensor& p : nn::named_parameters(model)) found = found || p.name == "r_embedder.mlp.0.weight";
  CHECK(found);
  const Tensor x = rng.normal({2, 2, 4, 6}), labels = from_vector<int64_t>({0, 3});
  CHECK(message_of<ShapeError>([&] { model(x, zeros({2}), labels); }) ==
        "[DiT] this model takes the two times of an interval per sample, shape [2, 2]; got [2]");

  const MeanFlow mean_flow({.time_scale = 10}, {.interval_share = 1, .omega = 2, .kappa = .5});
  const Network network = [&](const Tensor& in, const Tensor& t, const Tensor& c) { return model(in, t, c); };
  mean_flow.conditional_loss(network, labels, config.null_condition(), x, rng).total.backward();
  for (const nn::NamedTensor& p : nn::named_parameters(model)) CHECK_MESSAGE(p.tensor.grad().defined(), p.name);

  // One step of the sampler is one call of the network, and sample() finds it.
  const DiffusionConfig process{.kind = ProcessKind::mean_flow, .flow = mean_flow.flow().config()};
  const SamplerConfig sampler{.kind = SamplerKind::mean_flow, .steps = 1};
  const Tensor drawn = sample(process, sampler, network, labels, config.null_condition(), x, rng);
  CHECK(difference(drawn, x + model(x, from_vector<float>({0, 10, 0, 10}, {2, 2}), labels)) < 1e-5);
  const Tensor clip = rng.normal({2, 3, 2, 4, 6});
  config.positions = Positions::none;
  config.rotary = Rotary::spacetime;
  config.hidden = 16;
  const DiT of_clips = tests::randomized(DiT(config, rng));
  const Denoiser denoiser = [&](const Tensor& in, const Tensor& t) { return of_clips(in, t, labels); };
  CHECK(std::isfinite(mean_flow.loss(denoiser, clip, rng).total.item()));
  CHECK(sample_mean_flow(mean_flow, denoiser, clip, 2).shape() == clip.shape());
}
