#pragma once
// Which times a sampler visits.
#include <cstdint>
#include <vector>

#include <ditharos/models/diffusion/schedule.h>
#include <ditharos/models/samplers/multistep/solver_points.h>

namespace ditharos::models {

/// How the steps are chosen among those of a discrete process, as diffusers names it (Lin et al. 2024, "Common
/// diffusion noise schedules and sample steps are flawed", table 2).
enum class TimeSpacing {
  linspace,  ///< evenly from the first step to the last
  leading,   ///< multiples of an integer stride, from step 0: the last step is not visited
  trailing   ///< backwards from the last step at an even stride
};
/// "linspace", "leading" or "trailing".
[[nodiscard]] const char* name_of(TimeSpacing spacing);

/// The points between which a multistep solver steps, from noise to data, and the times of all but the last.
struct SolverGrid {
  std::vector<PathPoint> points;  ///< steps + 1; the last one is data (alpha 1, sigma 0)
  std::vector<double> times;      ///< steps: of a discrete process the network's input, of a path from 0 to 1
};

/// `count` steps out of `steps`, descending, without the step nearest to data, as the multistep schedulers of diffusers
/// choose them: they end one step beyond it, at data. ConfigError when count is not in [1, steps), or [1, steps] for
/// trailing spacing.
[[nodiscard]] std::vector<int64_t> multistep_times(int64_t steps, int64_t count, TimeSpacing spacing);

/// The grid through chosen steps of a discrete process; `chosen` descends.
[[nodiscard]] SolverGrid grid_of_steps(const DiffusionTables& tables, const std::vector<int64_t>& chosen);
/// The grid whose noise levels sqrt(1 / a_bar - 1) are those of Karras et al. 2022, equation 5, with rho = 7, between
/// the process's greatest and least. The network gets the nearest step.
[[nodiscard]] SolverGrid karras_grid(const DiffusionTables& tables, int64_t count);
/// The grid at rising times of a path; the last step leads to data, whatever its time.
[[nodiscard]] SolverGrid grid_of_path(const Path& path, const std::vector<double>& times);

}  // namespace ditharos::models
