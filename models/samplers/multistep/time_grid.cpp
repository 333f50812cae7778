#include <ditharos/models/samplers/multistep/time_grid.h>

#include <algorithm>
#include <cmath>

#include <ditharos/tensor/error.h>

namespace ditharos::models {
namespace {

constexpr double karras_rho = 7;
const PathPoint data_point{1, 0, 0, 0};

int64_t rounded(double x) { return std::llrint(std::nearbyint(x)); }  // half to even

double noise_to_data(double a_bar) { return std::sqrt((1 - a_bar) / a_bar); }

/// The step whose noise level is nearest in the logarithm; log_sigmas rises.
int64_t nearest_step(const std::vector<double>& log_sigmas, double log_sigma) {
  const auto above = std::upper_bound(log_sigmas.begin(), log_sigmas.end(), log_sigma);
  if (above == log_sigmas.begin()) return 0;
  if (above == log_sigmas.end()) return int64_t(log_sigmas.size()) - 1;
  const double low = above[-1], high = *above;
  return rounded(double(above - log_sigmas.begin() - 1) + (log_sigma - low) / (high - low));
}

}  // namespace

const char* name_of(TimeSpacing spacing) {
  constexpr const char* names[] = {"linspace", "leading", "trailing"};
  return names[static_cast<int>(spacing)];
}

std::vector<int64_t> multistep_times(int64_t steps, int64_t count, TimeSpacing spacing) {
  const int64_t most = spacing == TimeSpacing::trailing ? steps : steps - 1;
  check<ConfigError>(count >= 1 && count <= most, "a process of ", steps, " steps is sampled in 1 to ", most,
                     " of them with ", name_of(spacing), " spacing, not in ", count);
  std::vector<int64_t> times;
  for (int64_t i = count; i >= 1; --i) {
    switch (spacing) {
      case TimeSpacing::linspace: times.push_back(rounded(double(i) * double(steps - 1) / double(count))); break;
      case TimeSpacing::leading: times.push_back(i * (steps / (count + 1))); break;
      case TimeSpacing::trailing:
        times.push_back(rounded(double(steps) - double(count - i) * (double(steps) / double(count))) - 1);
    }
  }
  return times;
}

SolverGrid grid_of_steps(const DiffusionTables& tables, const std::vector<int64_t>& chosen) {
  SolverGrid grid;
  for (const int64_t step : chosen) {
    check<ConfigError>(step >= 0 && step < tables.steps(), "a step must be in [0, ", tables.steps(), "), got ", step);
    grid.points.push_back(point_of_a_bar(tables.a_bar[size_t(step)]));
    grid.times.push_back(double(tables.original_step[size_t(step)]));
  }
  grid.points.push_back(data_point);
  return grid;
}

SolverGrid karras_grid(const DiffusionTables& tables, int64_t count) {
  check<ConfigError>(count >= 1 && tables.a_bar.back() > 0, "Karras' noise levels need one step or more and a process ",
                     "that leaves some of the data: zero terminal SNR has no greatest noise level");
  std::vector<double> log_sigmas;
  for (const double a : tables.a_bar) log_sigmas.push_back(std::log(noise_to_data(a)));
  const double least = std::pow(noise_to_data(tables.a_bar.front()), 1 / karras_rho);
  const double greatest = std::pow(noise_to_data(tables.a_bar.back()), 1 / karras_rho);
  SolverGrid grid;
  for (int64_t i = 0; i < count; ++i) {
    const double ramp = count == 1 ? 0 : double(i) / double(count - 1);
    const double sigma = std::pow(greatest + ramp * (least - greatest), karras_rho);
    grid.points.push_back(point_of_a_bar(1 / (1 + sigma * sigma)));
    grid.times.push_back(double(tables.original_step[size_t(nearest_step(log_sigmas, std::log(sigma)))]));
  }
  grid.points.push_back(data_point);
  return grid;
}

SolverGrid grid_of_path(const Path& path, const std::vector<double>& times) {
  SolverGrid grid;
  for (size_t i = 0; i + 1 < times.size(); ++i) {
    grid.points.push_back(path.at(times[i]));
    grid.times.push_back(times[i]);
  }
  grid.points.push_back(data_point);
  return grid;
}

}  // namespace ditharos::models
