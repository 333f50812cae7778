#pragma once
// What a checkpoint of a DiT says beside the tensors, and a DiT from a checkpoint.
#include <string>
#include <vector>

#include <ditharos/training/resume.h>
#include "examples/common/dit_run.h"

namespace ditharos::examples {

/// What checkpoints of train_dit are.
training::CheckpointKind dit_kind();

/// Writes kind, configuration and picture format into a state that a trainer captured.
void describe_checkpoint(training::TrainState& state, const std::string& configuration, const DiTRun& run,
                         const std::vector<std::string>& class_names);

struct TrainedDiT {
  DiTRun run;
  models::DiT model;  ///< in evaluation mode, with the averaged weights
  std::vector<std::string> class_names;
  int64_t step = 0;
  std::string path;  ///< the file it came from
};
/// A DiT from a checkpoint file or a run folder; IoError or ConfigError naming it when there is none, or when it is
/// damaged or of another kind of model. `averaged` false: the last weights instead of their moving average.
TrainedDiT load_dit(const std::string& path, bool averaged = true);

}  // namespace ditharos::examples
