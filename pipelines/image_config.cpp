#include <ditharos/pipelines/image_config.h>

#include <ditharos/models/samplers/sampler.h>
#include <ditharos/tensor/error.h>
#include <ditharos/training/run/model_size.h>

namespace ditharos::pipelines {

namespace {

models::PredictionKind kind_of(Prediction prediction, models::ProcessKind process) {
  switch (prediction) {
    case Prediction::eps: return models::PredictionKind::eps;
    case Prediction::x0: return models::PredictionKind::x0;
    case Prediction::v: return models::PredictionKind::v;
    case Prediction::velocity: return models::PredictionKind::velocity;
    case Prediction::score: return models::PredictionKind::score;
    case Prediction::standard: break;
  }
  return process == models::ProcessKind::gaussian ? models::PredictionKind::eps : models::PredictionKind::velocity;
}

}  // namespace

void ImageModelConfig::settle() {
  using training::max_tokens;
  check<ConfigError>(!model.learn_sigma || process.kind == models::ProcessKind::gaussian,
                     "learn_sigma = true needs objective = \"gaussian\": a flow has no variance to learn");
  const models::Variance fixed = sigma_small ? models::Variance::fixed_small : models::Variance::fixed_large;
  process.gaussian.variance = model.learn_sigma ? models::Variance::learned_range : fixed;
  process.flow.pixels = model.height * model.width;
  model.interval_times = process.kind == models::ProcessKind::mean_flow;
  const bool is_flow = process.kind != models::ProcessKind::gaussian;
  (is_flow ? process.flow.prediction : process.gaussian.prediction) = kind_of(prediction, process.kind);
  model.validate();
  check<ConfigError>(model.tokens() <= max_tokens, "images of ", model.height, "x", model.width, " in patches of ",
                     model.patch.height, "x", model.patch.width, " are ", model.tokens(), " tokens, and at most ",
                     max_tokens, " fit: choose a larger patch, or smaller images");
  const auto fits = models::samplers_of(process.kind);
  check<ConfigError>(fits(sampler.kind), "sampler = \"", models::name_of(sampler.kind),
                     "\" does not go with objective = \"", models::name_of(process.kind), "\": choose ",
                     models::sampler_names(fits));
  switch (process.kind) {
    case models::ProcessKind::flow: process.flow.validate(); break;
    case models::ProcessKind::gaussian: process.gaussian.validate(); break;
    case models::ProcessKind::mean_flow: static_cast<void>(models::MeanFlow(process.flow, process.mean_flow));
  }
  models::check_sampler(process, sampler);
}

}  // namespace ditharos::pipelines
