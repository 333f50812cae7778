#include <ditharos/models/samplers/euler.h>

#include <ditharos/models/samplers/flow_solver.h>

namespace ditharos::models {

Tensor sample_euler(const Flow& flow, const Denoiser& model, const Tensor& noise, int64_t steps,
                    const SamplingProgress& progress) {
  return solve_flow(flow, model, {.kind = SamplerKind::euler}, noise, 0, steps, {}, progress);
}

}  // namespace ditharos::models
