#include <ditharos/models/samplers/sampler.h>

#include <ditharos/models/samplers/ddim.h>
#include <ditharos/models/samplers/ddpm.h>
#include <ditharos/models/samplers/euler.h>
#include <ditharos/models/samplers/heun.h>

namespace ditharos::models {
namespace {

/// The process shortened to the sampler's number of steps, unless it is shortened already.
GaussianConfig shortened(GaussianConfig config, const SamplerConfig& sampler) {
  if (config.respacing.empty()) config.respacing = std::to_string(sampler.steps);
  return config;
}

}  // namespace

const char* name_of(SamplerKind kind) {
  constexpr const char* names[] = {"ddpm", "ddim", "euler", "heun"};
  return names[static_cast<int>(kind)];
}

Tensor sample(const DiffusionConfig& process, const SamplerConfig& sampler, const Network& network,
              const Tensor& conditions, const Tensor& null_condition, const Tensor& noise, Generator& rng,
              const SamplingProgress& progress) {
  const bool wants_flow = sampler.kind == SamplerKind::euler || sampler.kind == SamplerKind::heun;
  check<ConfigError>(wants_flow == (process.kind == ProcessKind::flow), "the sampler ", name_of(sampler.kind),
                     " needs a ", wants_flow ? "flow" : "gaussian", " process, but the model was trained with ",
                     name_of(process.kind));
  const auto denoiser = [&](const Objective& objective) {
    return guided(network, conditions, null_condition, sampler.guidance,
                  [&](double t) { return objective.progress(t); });
  };
  if (wants_flow) {
    const RectifiedFlow flow(process.flow);
    const auto method = sampler.kind == SamplerKind::euler ? sample_euler : sample_heun;
    return method(flow, denoiser(flow), noise, sampler.steps, progress);
  }
  const GaussianDiffusion diffusion(shortened(process.gaussian, sampler));
  if (sampler.kind == SamplerKind::ddpm) {
    return sample_ddpm(diffusion, denoiser(diffusion), noise, rng, {.clip = sampler.clip, .progress = progress});
  }
  return sample_ddim(diffusion, denoiser(diffusion), noise, rng,
                     {.eta = sampler.eta, .clip = sampler.clip, .progress = progress});
}

}  // namespace ditharos::models
