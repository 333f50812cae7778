#pragma once
// DPM-Solver++ (Lu et al. 2022, "DPM-Solver++: Fast solver for guided sampling of diffusion probabilistic models"): the
// multistep method of order 2, deterministic and as a stochastic differential equation.
#include <vector>

#include <ditharos/models/samplers/multistep/solver_points.h>

namespace ditharos::models {

struct DpmSolverOptions {
  int64_t order = 2;        ///< 1 or 2; the deterministic method of order 1 is DDIM's
  bool stochastic = false;  ///< SDE-DPM-Solver++: noise is added in each step
  /// Take the last step of fewer than 15 with order 1, which is more stable. The step to data without noise (sigma 0)
  /// always has order 1.
  bool lower_order_final = true;

  /// ConfigError with one sentence that says what does not fit.
  void validate() const;
};

/// Steps through the points of a path, from noise to data. The half log-SNR lambda = log(alpha / sigma) must rise.
class DpmSolver {
 public:
  /// ConfigError for fewer than two points, or when they do not lead towards data.
  explicit DpmSolver(std::vector<PathPoint> points, const DpmSolverOptions& options = {});

  int64_t steps() const { return int64_t(points_.size()) - 1; }
  /// The step from x at the solver's present point to the next one (Lu et al. 2022, algorithm 2, and appendix A for the
  /// stochastic method). `data` is the network's prediction of the data at x, and `noise` standard normal; both are
  /// like x, and `noise` is read by the stochastic method alone. Records no graph.
  Tensor step(const Tensor& x, const Tensor& data, const Tensor& noise = {});

 private:
  std::vector<PathPoint> points_;
  DpmSolverOptions options_;
  size_t index_ = 0;
  Tensor previous_;  // the data predicted in the previous step
};

}  // namespace ditharos::models
