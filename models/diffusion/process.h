#pragma once
// The configuration of a training run's diffusion process.
#include <memory>

#include <ditharos/models/diffusion/flow.h>
#include <ditharos/models/diffusion/gaussian.h>
#include <ditharos/models/diffusion/mean_flow.h>

namespace ditharos::models {

enum class ProcessKind { flow, gaussian, mean_flow };

struct DiffusionConfig {
  ProcessKind kind = ProcessKind::flow;
  FlowConfig flow = {};           ///< read when kind is flow; its times when kind is mean_flow
  GaussianConfig gaussian = {};   ///< read when kind is gaussian
  MeanFlowConfig mean_flow = {};  ///< read when kind is mean_flow

  /// Whether the network predicts a second set of channels, for the variance.
  bool learns_variance() const { return kind == ProcessKind::gaussian && gaussian.variance == Variance::learned_range; }
  friend bool operator==(const DiffusionConfig&, const DiffusionConfig&) = default;
};

[[nodiscard]] std::shared_ptr<const Objective> make_objective(const DiffusionConfig& config);

/// "flow", "gaussian" or "mean_flow", as configuration files call it.
[[nodiscard]] const char* name_of(ProcessKind kind);

}  // namespace ditharos::models
