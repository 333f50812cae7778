#include <ditharos/pipelines/image_sampling.h>

#include <algorithm>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/samplers/sampler.h>
#include <ditharos/pipelines/prompts.h>
#include <ditharos/tensor/checked.h>
#include <ditharos/training/distributed/shared_work.h>

namespace ditharos::pipelines {
namespace {

/// The noise of `per_class` images of every class, different for every `round`.
Tensor noise_of_round(const Shape& shape, uint64_t seed, int64_t round) {
  constexpr uint64_t rounds = 0x726f756e64;  // "round": far from the keys that sample_images forks by
  const Generator rng = round == 0 ? Generator(seed) : Generator(seed).fork(rounds).fork(uint64_t(round));
  return Generator(rng).normal(shape);
}

/// The shape of all images of a request for every class. ConfigError or ShapeError when there are too many.
Shape all_classes(const models::DiTConfig& model, const ImageRequest& request) {
  const int64_t rows = model.classes > 0 ? model.classes : request.per_class;
  const int64_t n = model.classes == 0 && request.unconditional
                        ? *request.unconditional
                        : checked_product<ConfigError>("request_labels", {rows, request.per_class});
  const Shape shape{n, model.channels, model.height, model.width};
  static_cast<void>(numel(shape));
  return shape;
}

struct SamplingInputs {
  Tensor noise;           // [N, C, H, W]
  Tensor conditions;      // i64 [N, ...], or undefined
  Tensor null_condition;  // of one sample
  uint64_t seed = 0;
  training::Communicator* ranks = nullptr;
};

Tensor sample_conditioned(const models::DiT& model, const models::DiffusionConfig& process,
                          const models::SamplerConfig& sampler, const SamplingInputs& inputs,
                          const std::function<void(double)>& progress, int64_t batch) {
  models::FeatureCache cache(sampler.caching);
  models::FeatureCache* used = sampler.caching.method == models::CacheMethod::none ? nullptr : &cache;
  const bool unused_half = model.config().learn_sigma && !process.learns_variance();
  const models::Network network = [&](const Tensor& x, const Tensor& t, const Tensor& c) {
    const Tensor out = model(x, t, c, used);
    return unused_half ? slice(out, 1, 0, model.config().channels) : out;
  };
  const int64_t n = inputs.noise.size(0);
  const auto sample_batch = [&](int64_t index) {
    const int64_t begin = index * batch, end = std::min(n, begin + batch);
    cache.reset();
    Generator rng = Generator(inputs.seed).fork(uint64_t(begin) + 1);  // samplers that draw noise on the way
    const Tensor conditions =
        inputs.conditions.defined() ? contiguous(slice(inputs.conditions, 0, begin, end)) : Tensor{};
    const auto report = [&](int64_t done, int64_t total, const Tensor&) {
      const double of_batch = double(done) / double(total);
      if (progress) progress((double(begin) + double(end - begin) * of_batch) / double(n));
    };
    return contiguous(models::sample(process, sampler, network, conditions, inputs.null_condition,
                                     slice(inputs.noise, 0, begin, end), rng, report));
  };
  const std::vector<Tensor> parts = training::share_work(inputs.ranks, (n + batch - 1) / batch, sample_batch);
  return parts.empty() ? Tensor() : cat(parts, 0);
}

}  // namespace

std::vector<int64_t> request_labels(const models::DiTConfig& model, const ImageRequest& request) {
  check<ConfigError>(request.per_class >= 1, "a request needs at least one image of a class, got ", request.per_class);
  check<ConfigError>(request.classes.empty() || model.classes > 0, "the model was trained without classes");
  std::vector<int64_t> labels, classes = request.classes;
  static_cast<void>(all_classes(model, request));  // before as many labels are listed
  if (classes.empty())
    for (int64_t c = 0; c < model.classes; ++c) classes.push_back(c);
  for (const int64_t c : classes) {
    check<ConfigError>(c >= 0 && c < model.classes, "class ", c, " is not in 0..", model.classes - 1);
    labels.insert(labels.end(), size_t(request.per_class), c);
  }
  return labels;
}

int64_t request_count(const models::DiTConfig& model, const ImageRequest& request) {
  const int64_t of_all = all_classes(model, request)[0];
  return request.classes.empty() ? of_all : int64_t(request.classes.size()) * request.per_class;
}

Tensor request_noise(const models::DiTConfig& model, const ImageRequest& request) {
  const Shape shape = all_classes(model, request);
  if (request.classes.empty()) return noise_of_round(shape, request.seed, 0);
  std::vector<Tensor> rounds, noise;
  std::vector<int64_t> seen(size_t(model.classes), 0);
  for (const int64_t c : request.classes) {
    const int64_t round = seen.at(size_t(c))++;
    if (round == int64_t(rounds.size())) rounds.push_back(noise_of_round(shape, request.seed, round));
    noise.push_back(slice(rounds[size_t(round)], 0, c * request.per_class, (c + 1) * request.per_class));
  }
  return cat(noise, 0);
}

Tensor sample_images(const models::DiT& model, const models::DiffusionConfig& process,
                     const models::SamplerConfig& sampler, const ImageRequest& request,
                     const std::function<void(double)>& progress, int64_t batch) {
  check<ConfigError>(model.config().condition() != models::Condition::prompt,
                     "the model was trained with captions: its images need prompts");
  const std::vector<int64_t> labels = request_labels(model.config(), request);
  return sample_conditioned(model, process, sampler,
                            {.noise = request_noise(model.config(), request),
                             .conditions = labels.empty() ? Tensor{} : from_vector(labels),
                             .null_condition = model.config().null_condition(),
                             .seed = request.seed,
                             .ranks = request.ranks},
                            progress, batch);
}

Tensor sample_images(const models::DiT& model, const data::Tokenizer& tokenizer, const models::DiffusionConfig& process,
                     const models::SamplerConfig& sampler, const PromptRequest& request,
                     const std::function<void(double)>& progress, int64_t batch) {
  const models::DiTConfig& config = model.config();
  check<ConfigError>(config.condition() == models::Condition::prompt, "the model was trained without captions and ",
                     "takes no prompts");
  const auto count = static_cast<int64_t>(request.prompts.size());
  check<ConfigError>(count > 0, "no prompt: say what the images should show, as in \"a cat\"");
  check<ConfigError>(request.per_prompt >= 1, "a request needs at least one image of a prompt, got ",
                     request.per_prompt);
  const int64_t n = checked_product<ConfigError>("sample_images", {count, request.per_prompt});
  static_cast<void>(numel({n, config.channels, config.height, config.width}));
  const Tensor tokens = encode_prompts(tokenizer, request.prompts, config.text.length);
  std::vector<Tensor> noise, conditions;
  for (int64_t k = 0; k < count; ++k) {
    noise.push_back(Generator(request.seed)
                        .fork(uint64_t(k))
                        .normal({request.per_prompt, config.channels, config.height, config.width}));
    conditions.push_back(expand(slice(tokens, 0, k, k + 1), {request.per_prompt, tokens.size(1)}));
  }
  return sample_conditioned(model, process, sampler,
                            {.noise = cat(noise, 0),
                             .conditions = cat(conditions, 0),
                             .null_condition = null_prompt(tokenizer, config.text.length),
                             .seed = request.seed,
                             .ranks = request.ranks},
                            progress, batch);
}

}  // namespace ditharos::pipelines
