#include <ditharos/models/samplers/sampler.h>

#include <ditharos/models/samplers/ddim.h>
#include <ditharos/models/samplers/ddpm.h>
#include <ditharos/models/samplers/flow_solver.h>

namespace ditharos::models {
namespace {

/// The process shortened to the sampler's number of steps, unless it is shortened already.
GaussianConfig shortened(GaussianConfig config, const SamplerConfig& sampler) {
  if (config.respacing.empty()) config.respacing = std::to_string(sampler.steps);
  return config;
}

}  // namespace

Tensor sample(const DiffusionConfig& process, const SamplerConfig& sampler, const Network& network,
              const Tensor& conditions, const Tensor& null_condition, const Tensor& noise, Generator& rng,
              const SamplingProgress& progress) {
  sampler.validate();
  const bool wants_flow = samples_flow(sampler.kind);
  check<ConfigError>(wants_flow == (process.kind == ProcessKind::flow), "the sampler ", name_of(sampler.kind),
                     " needs a ", wants_flow ? "flow" : "gaussian", " process, but the model was trained with ",
                     name_of(process.kind));
  const auto denoiser = [&](const Objective& objective) {
    return guided(network, conditions, null_condition, sampler.guidance,
                  [&](double t) { return objective.progress(t); });
  };
  if (wants_flow) {
    const RectifiedFlow flow(process.flow);
    return solve_flow(flow, denoiser(flow), sampler.kind, noise, 0, sampler.steps, {}, progress);
  }
  const GaussianDiffusion diffusion(shortened(process.gaussian, sampler));
  if (sampler.kind == SamplerKind::ddpm) {
    return sample_ddpm(diffusion, denoiser(diffusion), noise, rng, {.clip = sampler.clip, .progress = progress});
  }
  return sample_ddim(diffusion, denoiser(diffusion), noise, rng,
                     {.eta = sampler.eta, .clip = sampler.clip, .progress = progress});
}

}  // namespace ditharos::models
