#include "examples/common/dit_run.h"

#include <algorithm>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/checked.h>
#include <ditharos/training/model_size.h>

namespace ditharos::examples {

using models::ProcessKind;
using models::SamplerKind;
using training::max_tokens;

namespace {
constexpr double most = 1 << 16;  // of every size of a model, as its configuration has it
}  // namespace

void describe_sampling(Settings& settings, models::SamplerConfig& sampler) {
  settings.section("sample", "drawing pictures")
      .add("sampler", sampler.kind, "euler and heun go with objective flow, ddpm and ddim with gaussian",
           {{"euler", SamplerKind::euler}, {"heun", SamplerKind::heun}, {"ddpm", SamplerKind::ddpm},
            {"ddim", SamplerKind::ddim}})
      .add("sampling_steps", sampler.steps, "steps from noise to picture", at_least(1).at_most(1000))
      .add("guidance", sampler.guidance.scale, "classifier-free guidance; 1: none", between(0, 1e6))
      .add("guided_channels", sampler.guidance.channels, "guide the first N channels; 0: all", between(0, most))
      .add("guide_from", sampler.guidance.from, "share of the way at which guidance begins", between(0, 1))
      .add("guide_to", sampler.guidance.to, "share of the way at which guidance ends", between(0, 1))
      .add("eta", sampler.eta, "ddim's noise: 0 none, 1 as much as ddpm", between(0, 1))
      .add("clip_pixels", sampler.clip, "ddpm and ddim: keep predicted pixels within range");
  settings.only_with({"eta"}, [&sampler] { return sampler.kind == SamplerKind::ddim; }, "sampler = \"ddim\"");
  settings.only_with({"clip_pixels"},
                     [&sampler] { return sampler.kind == SamplerKind::ddpm || sampler.kind == SamplerKind::ddim; },
                     "sampler = \"ddpm\" or \"ddim\"");
  settings.only_with({"guided_channels", "guide_from", "guide_to"},
                     [&sampler] { return sampler.guidance.scale != 1; }, "a guidance other than 1");
}

void describe(Settings& settings, DiTRun& run) {
  settings.section("data", "what to learn from; picture size and classes come from it")
      .add("data", run.data.data,
           "\"shapes\", \"fashion-mnist\", or a folder: of IDX files, or with one folder of PNGs a class")
      .add("horizontal_flip", run.data.horizontal_flip, "mirror half of the pictures, drawn anew every epoch");
  settings.section("model", "the diffusion transformer")
      .add("patch", run.model.patch, "side of a patch in pixels; divides height and width", between(1, most))
      .add("hidden", run.model.hidden, "width of a token; divisible by 4 and by heads", between(4, most))
      .add("depth", run.model.depth, "number of blocks", between(1, most))
      .add("heads", run.model.heads, "attention heads a block", between(1, most))
      .add("mlp_ratio", run.model.mlp_ratio, "hidden width of the MLP, in units of hidden", above(0).at_most(1024))
      .add("class_dropout", run.model.class_dropout, "share of labels hidden in training, for guidance",
           at_least(0).below(1))
      .add("learn_sigma", run.model.learn_sigma, "predict the variance as well (objective gaussian)");
  settings.section("objective", "what the network learns to predict")
      .add("objective", run.process.kind, "flow: velocity on the straight path; gaussian: the noise of DDPM",
           {{"flow", ProcessKind::flow}, {"gaussian", ProcessKind::gaussian}})
      .add("time_sampling", run.process.flow.time_sampling, "flow: where training draws its times",
           {{"uniform", models::TimeSampling::uniform}, {"logit_normal", models::TimeSampling::logit_normal}})
      .add("time_scale", run.process.flow.time_scale, "flow: the network is given t times this", between(1e-6, 1e6))
      .add("time_shift", run.process.flow.time_shift,
           "flow, above 1: more noise in training, and smaller first steps in sampling", between(1e-6, 1e6))
      .add("noise_schedule", run.process.gaussian.schedule, "gaussian: the variances of the steps",
           {{"linear", models::BetaSchedule::linear}, {"cosine", models::BetaSchedule::squaredcos_cap_v2}})
      .add("diffusion_steps", run.process.gaussian.steps, "gaussian: steps of the process", between(2, 1e5));
  settings.only_with({"time_sampling", "time_scale", "time_shift"},
                     [&run] { return run.process.kind == ProcessKind::flow; }, "objective = \"flow\"");
  settings.only_with({"noise_schedule", "diffusion_steps"},
                     [&run] { return run.process.kind == ProcessKind::gaussian; }, "objective = \"gaussian\"");
  describe_training(settings, run.train, "pictures a step");
  describe_output(settings, run.output);
  describe_sampling(settings, run.sampler);
}

void settle(DiTRun& run) {
  check<ConfigError>(!run.model.learn_sigma || run.process.kind == ProcessKind::gaussian,
                     "learn_sigma = true needs objective = \"gaussian\": a flow has no variance to learn");
  run.process.gaussian.variance =
      run.model.learn_sigma ? models::Variance::learned_range : models::Variance::fixed_large;
  run.model.validate();
  check<ConfigError>(run.model.tokens() <= max_tokens, "pictures of ", run.model.height, "x", run.model.width,
                     " in patches of ", run.model.patch, "x", run.model.patch, " are ", run.model.tokens(),
                     " tokens, and at most ", max_tokens, " fit: choose a larger patch, or smaller pictures");
  const bool flow_sampler = run.sampler.kind == SamplerKind::euler || run.sampler.kind == SamplerKind::heun;
  check<ConfigError>(flow_sampler == (run.process.kind == ProcessKind::flow), "sampler = \"",
                     models::name_of(run.sampler.kind), "\" does not go with objective = \"",
                     models::name_of(run.process.kind), "\": euler and heun sample a flow, ddpm and ddim gaussian");
  run.sampler.guidance.validate();
}

void settle_without_data(const DiTRun& run) {
  DiTRun any = run;
  any.model.height = any.model.width = any.model.patch;
  any.model.channels = any.model.classes = 1;
  check_schedule(any.train);
  settle(any);
}

void fit_to_data(DiTRun& run, const data::Dataset& dataset) {
  run.model.height = dataset.height();
  run.model.width = dataset.width();
  run.model.channels = dataset.channels();
  run.model.classes = dataset.num_classes();
  check<ConfigError>(dataset.size() >= run.train.batch_size, "batch_size = ", run.train.batch_size,
                     " is more than the ", dataset.size(), " pictures of the data set");
  check_schedule(run.train);
  settle(run);
}

SampleRequest request_samples(const models::DiTConfig& model, int64_t per_class, uint64_t seed, int64_t round) {
  SampleRequest request;
  const int64_t rows = model.classes > 0 ? model.classes : per_class;
  const int64_t n = checked_product<ConfigError>("request_samples", {rows, per_class});
  // ShapeError before as many labels are listed.
  static_cast<void>(numel({n, model.channels, model.height, model.width}));
  if (model.classes > 0) {
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < n; ++i) labels.push_back(i / per_class);
    request.labels = from_vector(labels);
  }
  constexpr uint64_t rounds = 0x726f756e64;  // "round": far from the keys that sample_all forks by
  const Generator rng = round == 0 ? Generator(seed) : Generator(seed).fork(rounds).fork(uint64_t(round));
  request.noise = Generator(rng).normal({n, model.channels, model.height, model.width});
  return request;
}

SampleRequest request_classes(const models::DiTConfig& model, const std::vector<int64_t>& classes, int64_t per_class,
                              uint64_t seed) {
  std::vector<SampleRequest> rounds;
  std::vector<int64_t> seen(size_t(model.classes), 0);
  std::vector<Tensor> labels, noise;
  for (const int64_t c : classes) {
    const int64_t round = seen.at(size_t(c))++;
    if (round == int64_t(rounds.size())) rounds.push_back(request_samples(model, per_class, seed, round));
    const SampleRequest& all = rounds[size_t(round)];
    labels.push_back(slice(all.labels, 0, c * per_class, (c + 1) * per_class));
    noise.push_back(slice(all.noise, 0, c * per_class, (c + 1) * per_class));
  }
  return {cat(labels, 0), cat(noise, 0)};
}

Tensor sample_all(const models::DiT& model, const DiTRun& run, const SampleRequest& request, uint64_t seed,
                  const std::function<void(double)>& progress, int64_t batch) {
  const models::Network network = [&](const Tensor& x, const Tensor& t, const Tensor& labels) {
    return model(x, t, labels);
  };
  const int64_t n = request.noise.size(0);
  std::vector<Tensor> parts;
  for (int64_t begin = 0; begin < n; begin += batch) {
    const int64_t end = std::min(n, begin + batch);
    Generator rng = Generator(seed).fork(uint64_t(begin) + 1);  // samplers that draw noise on the way
    const Tensor labels = request.labels.defined() ? slice(request.labels, 0, begin, end) : Tensor{};
    const auto report = [&](int64_t done, int64_t total, const Tensor&) {
      const double of_batch = double(done) / double(total);
      if (progress) progress((double(begin) + double(end - begin) * of_batch) / double(n));
    };
    parts.push_back(models::sample(run.process, run.sampler, network, labels, run.model.null_condition(),
                                   slice(request.noise, 0, begin, end), rng, report));
  }
  return cat(parts, 0);
}

}  // namespace ditharos::examples
