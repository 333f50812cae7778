#include <ditharos/models/diffusion/process.h>

#include <array>

namespace ditharos::models {
namespace {

template <size_t N>
int index_of(const char* what, const std::string& name, const std::array<const char*, N>& names) {
  std::string known;
  for (size_t i = 0; i < N; ++i) {
    if (name == names[i]) return int(i);
    known += (i > 0 ? ", " : "") + std::string(names[i]);
  }
  fail<ConfigError>("there is no ", what, " '", name, "'; known are ", known);
}

// Each list stands in the order of its enumeration.
constexpr std::array process_names = {"flow", "gaussian"};
constexpr std::array time_sampling_names = {"uniform", "logit_normal"};
constexpr std::array beta_schedule_names = {"linear", "squaredcos_cap_v2"};
constexpr std::array variance_names = {"learned_range", "fixed_large", "fixed_small"};

}  // namespace

std::shared_ptr<const Objective> make_objective(const DiffusionConfig& config) {
  if (config.kind == ProcessKind::flow) return std::make_shared<RectifiedFlow>(config.flow);
  return std::make_shared<GaussianDiffusion>(config.gaussian);
}

ProcessKind process_named(const std::string& name) { return ProcessKind(index_of("process", name, process_names)); }
TimeSampling time_sampling_named(const std::string& name) {
  return TimeSampling(index_of("time sampling", name, time_sampling_names));
}
BetaSchedule beta_schedule_named(const std::string& name) {
  return BetaSchedule(index_of("noise schedule", name, beta_schedule_names));
}
Variance variance_named(const std::string& name) { return Variance(index_of("variance", name, variance_names)); }
const char* name_of(ProcessKind kind) { return process_names[size_t(kind)]; }

}  // namespace ditharos::models
