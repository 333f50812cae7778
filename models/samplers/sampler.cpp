#include <ditharos/models/samplers/sampler.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/samplers/ddim.h>
#include <ditharos/models/samplers/ddpm.h>
#include <ditharos/models/samplers/flow_solver.h>
#include <ditharos/models/samplers/mean_flow.h>
#include <ditharos/models/samplers/multistep/multistep.h>

namespace ditharos::models {
namespace {

/// The process shortened to the sampler's number of steps, unless it is shortened already.
GaussianConfig shortened(GaussianConfig config, const SamplerConfig& sampler) {
  const std::string spacing = sampler.spacing == TimeSpacing::linspace ? "" : name_of(sampler.spacing);
  if (config.respacing.empty()) config.respacing = spacing + std::to_string(sampler.steps);
  return config;
}

SolverGrid gaussian_grid(const GaussianDiffusion& diffusion, const SamplerConfig& sampler) {
  const DiffusionTables& tables = diffusion.tables();
  if (sampler.karras_sigmas) return karras_grid(tables, sampler.steps);
  if (diffusion.config().respacing.empty())
    return grid_of_steps(tables, multistep_times(tables.steps(), sampler.steps, sampler.spacing));
  std::vector<int64_t> all;  // the process is shortened already
  for (int64_t t = tables.steps() - 1; t >= 0; --t) all.push_back(t);
  return grid_of_steps(tables, all);
}

/// With DPM-Solver++ or UniPC.
Tensor sample_multistep(const GaussianDiffusion& diffusion, const Denoiser& model, const SamplerConfig& sampler,
                        const Tensor& noise, Generator& rng, const SamplingProgress& progress) {
  const GaussianConfig& config = diffusion.config();
  MultistepRun run{.grid = gaussian_grid(diffusion, sampler), .predict = {}, .rng = &rng};
  run.predict = [&](const Tensor& x, size_t i) {
    check<ShapeError>(x.rank() >= 2, "[sample] x must have shape [B, C, ...], got ", x.shape());
    const Tensor output = model(x, full({x.size(0)}, run.grid.times[i]));
    Shape wanted = x.shape();
    wanted[1] *= config.variance == Variance::learned_range ? 2 : 1;
    check<ShapeError>(output.shape() == wanted, "[sample] the network must return shape ", wanted, ", got ",
                      output.shape());
    const Tensor data =
        convert(slice(output, 1, 0, x.size(1)), config.prediction, PredictionKind::x0, x, run.grid.points[i]);
    return sampler.clip ? clamp(data, -1, 1) : data;
  };
  const int64_t steps = int64_t(run.grid.times.size());
  if (progress) run.after_step = [&](int64_t done, const Tensor&, const Tensor& x) { progress(done, steps, x); };
  return solve_multistep(sampler, run, noise);
}

}  // namespace

SamplerFilter samplers_of(ProcessKind process) {
  switch (process) {
    case ProcessKind::flow: return samples_flow;
    case ProcessKind::mean_flow: return samples_mean_flow;
    case ProcessKind::gaussian: break;
  }
  return samples_gaussian;
}

void check_sampler(const DiffusionConfig& process, const SamplerConfig& sampler) {
  const bool gaussian = process.kind == ProcessKind::gaussian;
  const auto fits = samplers_of(process.kind);
  check<ConfigError>(fits(sampler.kind), "the sampler ", name_of(sampler.kind), " does not sample a ",
                     name_of(process.kind), " process, which the model was trained with; choose ", sampler_names(fits));
  const bool even = !sampler.karras_sigmas && sampler.spacing == TimeSpacing::linspace;
  check<ConfigError>(gaussian || even, "the steps of a flow are even in its shifted time: ",
                     sampler.karras_sigmas ? "Karras' noise levels" : "leading and trailing spacing",
                     " are for a gaussian process");
  sampler.validate();
}

Tensor sample(const DiffusionConfig& process, const SamplerConfig& sampler, const Network& network,
              const Tensor& conditions, const Tensor& null_condition, const Tensor& noise, Generator& rng,
              const SamplingProgress& progress) {
  check_sampler(process, sampler);
  const auto denoiser = [&](const Objective& objective) {
    return guided(network, conditions, null_condition, sampler.guidance,
                  [&](double t) { return objective.progress(t); });
  };
  if (process.kind == ProcessKind::flow) {
    const Flow flow(process.flow);
    return solve_flow(flow, denoiser(flow), sampler, noise, 0, sampler.steps, {}, progress, &rng);
  }
  if (process.kind == ProcessKind::mean_flow) {
    const MeanFlow mean_flow(process.flow, process.mean_flow);
    return sample_mean_flow(mean_flow, denoiser(mean_flow), noise, sampler.steps, progress);
  }
  if (is_multistep(sampler.kind)) {
    const GaussianDiffusion diffusion(process.gaussian);
    return sample_multistep(diffusion, denoiser(diffusion), sampler, noise, rng, progress);
  }
  const GaussianDiffusion diffusion(shortened(process.gaussian, sampler));
  if (sampler.kind == SamplerKind::ddpm) {
    return sample_ddpm(diffusion, denoiser(diffusion), noise, rng, {.clip = sampler.clip, .progress = progress});
  }
  return sample_ddim(diffusion, denoiser(diffusion), noise, rng,
                     {.eta = sampler.eta, .clip = sampler.clip, .progress = progress});
}

}  // namespace ditharos::models
