#include <ditharos/models/diffusion/process.h>

namespace ditharos::models {

std::shared_ptr<const Objective> make_objective(const DiffusionConfig& config) {
  if (config.kind == ProcessKind::flow) return std::make_shared<Flow>(config.flow);
  return std::make_shared<GaussianDiffusion>(config.gaussian);
}

const char* name_of(ProcessKind kind) { return kind == ProcessKind::flow ? "flow" : "gaussian"; }

}  // namespace ditharos::models
