#pragma once
// What a checkpoint of a DiT says beside the tensors, and a DiT from a checkpoint.
#include <string>
#include <vector>

#include <ditharos/examples/common/dit_run.h>
#include <ditharos/optim/checkpoint_folder.h>

namespace ditharos::examples {

/// Name of the folder of checkpoints inside a run's folder.
inline constexpr const char* checkpoint_folder = "checkpoints";

/// Writes kind, configuration and picture format into a state that a trainer captured.
void describe_checkpoint(optim::TrainState& state, const std::string& configuration, const DiTRun& run,
                         const std::vector<std::string>& class_names);

/// Throws ConfigError unless the checkpoint comes from a run with the same settings, apart from those that may change
/// on the way: how long to train, what to write, how to sample. `path` and the differing keys are named.
void check_same_run(const std::string& path, const optim::TrainState& state, const std::string& configuration);

/// Loads the checkpoint `path`, or the newest readable one of the run folder `path`. The result's `path` is empty when
/// a folder has none. A single file that is damaged throws IoError.
optim::LatestCheckpoint open_checkpoint(const std::string& path);

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
