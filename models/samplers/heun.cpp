#include <ditharos/models/samplers/heun.h>

#include <ditharos/models/samplers/flow_solver.h>

namespace ditharos::models {

Tensor sample_heun(const Flow& flow, const Denoiser& model, const Tensor& noise, int64_t steps,
                   const SamplingProgress& progress) {
  return solve_flow(flow, model, {.kind = SamplerKind::heun}, noise, 0, steps, {}, progress);
}

}  // namespace ditharos::models
