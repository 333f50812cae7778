#include <ditharos/models/samplers/multistep/multistep.h>

#include <optional>

#include <ditharos/models/samplers/multistep/dpm_solver.h>
#include <ditharos/nn/inference.h>

namespace ditharos::models {

Tensor solve_multistep(const SamplerConfig& sampler, const MultistepRun& run, const Tensor& x) {
  const nn::InferenceMode inference;
  const bool stochastic = sampler.kind == SamplerKind::dpmpp_2m_sde, unipc = sampler.kind == SamplerKind::unipc;
  std::optional<DpmSolver> dpm_solver;
  std::optional<UniPc> uni_pc;
  if (unipc) {
    uni_pc.emplace(run.grid.points, UniPcOptions{.order = sampler.order,
                                                 .variant = sampler.unipc_variant,
                                                 .lower_order_final = sampler.lower_order_final});
  } else {
    dpm_solver.emplace(run.grid.points, DpmSolverOptions{.order = sampler.order,
                                                         .stochastic = stochastic,
                                                         .lower_order_final = sampler.lower_order_final});
  }
  Tensor y = x;
  for (size_t i = 0; i + 1 < run.grid.points.size(); ++i) {
    const Tensor data = run.predict(y, i);
    if (unipc) {
      y = uni_pc->step(y, data).next;
    } else {
      y = dpm_solver->step(y, data, stochastic ? run.rng->normal(y.shape(), y.dtype()) : Tensor{});
    }
    if (run.after_step) run.after_step(int64_t(i) + 1, data, y);
  }
  return y;
}

}  // namespace ditharos::models
