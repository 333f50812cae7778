#include <ditharos/models/diffusion/process.h>

namespace ditharos::models {

std::shared_ptr<const Objective> make_objective(const DiffusionConfig& config) {
  switch (config.kind) {
    case ProcessKind::flow: return std::make_shared<Flow>(config.flow);
    case ProcessKind::mean_flow: return std::make_shared<MeanFlow>(config.flow, config.mean_flow);
    case ProcessKind::gaussian: break;
  }
  return std::make_shared<GaussianDiffusion>(config.gaussian);
}

const char* name_of(ProcessKind kind) {
  switch (kind) {
    case ProcessKind::flow: return "flow";
    case ProcessKind::mean_flow: return "mean_flow";
    case ProcessKind::gaussian: break;
  }
  return "gaussian";
}

}  // namespace ditharos::models
