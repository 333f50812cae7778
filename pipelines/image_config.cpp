#include <ditharos/pipelines/image_config.h>

#include <ditharos/tensor/error.h>
#include <ditharos/training/run/model_size.h>

namespace ditharos::pipelines {

void ImageModelConfig::settle() {
  using training::max_tokens;
  check<ConfigError>(!model.learn_sigma || process.kind == models::ProcessKind::gaussian,
                     "learn_sigma = true needs objective = \"gaussian\": a flow has no variance to learn");
  process.gaussian.variance = model.learn_sigma ? models::Variance::learned_range : models::Variance::fixed_large;
  model.validate();
  check<ConfigError>(model.tokens() <= max_tokens, "images of ", model.height, "x", model.width, " in patches of ",
                     model.patch.height, "x", model.patch.width, " are ", model.tokens(), " tokens, and at most ",
                     max_tokens, " fit: choose a larger patch, or smaller images");
  check<ConfigError>(models::samples_flow(sampler.kind) == (process.kind == models::ProcessKind::flow),
                     "sampler = \"", models::name_of(sampler.kind), "\" does not go with objective = \"",
                     models::name_of(process.kind), "\": euler and heun sample a flow, ddpm and ddim gaussian");
  process.flow.validate();
  sampler.validate();
}

}  // namespace ditharos::pipelines
