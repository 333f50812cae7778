#pragma once
// Internal to models/samplers/.
// The loop of the multistep samplers, DPM-Solver++ and UniPC.
#include <functional>

#include <ditharos/models/samplers/config.h>
#include <ditharos/tensor/random.h>

namespace ditharos::models {

struct MultistepRun {
  SolverGrid grid;
  /// The data predicted at x and the grid's point `index`.
  std::function<Tensor(const Tensor& x, size_t index)> predict;
  Generator* rng = nullptr;  ///< of the noise of the stochastic sampler
  /// Called after each step with the number of steps done, the predicted data and the new x.
  std::function<void(int64_t done, const Tensor& data, const Tensor& x)> after_step = {};
};
/// From x at the grid's first point to its last one.
Tensor solve_multistep(const SamplerConfig& sampler, const MultistepRun& run, const Tensor& x);

}  // namespace ditharos::models
