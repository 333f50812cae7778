#pragma once
// The diffusion process of a training run as plain settings.
#include <memory>
#include <string>

#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/diffusion/gaussian.h>

namespace ditharos::models {

enum class ProcessKind { flow, gaussian };

struct DiffusionConfig {
  ProcessKind kind = ProcessKind::flow;
  FlowConfig flow;          ///< read when kind is flow
  GaussianConfig gaussian;  ///< read when kind is gaussian

  /// Whether the network predicts a second set of channels, for the variance.
  bool learns_variance() const {
    return kind == ProcessKind::gaussian && gaussian.variance == Variance::learned_range;
  }
};

std::shared_ptr<const Objective> make_objective(const DiffusionConfig& config);

/// Settings by their names in configuration files; ConfigError lists the known ones.
ProcessKind process_named(const std::string& name);          ///< flow, gaussian
TimeSampling time_sampling_named(const std::string& name);   ///< uniform, logit_normal
BetaSchedule beta_schedule_named(const std::string& name);   ///< linear, squaredcos_cap_v2
Variance variance_named(const std::string& name);            ///< learned_range, fixed_large, fixed_small
const char* name_of(ProcessKind kind);

}  // namespace ditharos::models
