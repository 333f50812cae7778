#pragma once
// Which checkpoint a program goes on from or draws from, and which it refuses.
#include <optional>
#include <set>
#include <string>

#include <ditharos/training/checkpoint_folder.h>
#include "examples/common/training_settings.h"

namespace ditharos::examples {

/// Name of the folder of checkpoints inside a run's folder.
inline constexpr const char* checkpoint_folder = "checkpoints";

/// One kind of checkpoint.
struct CheckpointKind {
  std::string name;                  ///< TrainState::kind
  std::string model;                 ///< for messages: "a DiT"
  std::set<std::string> may_change;  ///< settings that may differ between a run and its continuation
};

/// The run that is to go on.
struct PresentRun {
  std::string configuration;  ///< the resolved one, as text
  const TrainSettings& train;
  std::string data;           ///< fingerprint_of() what it learns from
};
/// The keys of a table of settings, such as those that may change.
std::set<std::string> keys_of(const Settings& settings);

/// ConfigError unless the checkpoint is of this kind.
void check_kind(const std::string& path, const optim::TrainState& state, const CheckpointKind& kind);
/// Throws ConfigError unless the checkpoint comes from a run with the same settings, apart from those that may change
/// on the way. `path` and the differing keys are named.
void check_same_run(const std::string& path, const optim::TrainState& state, const std::string& configuration,
                    const CheckpointKind& kind);

/// Loads the checkpoint `path`, or the newest readable one of the run folder `path`. The result's `path` is empty when
/// a folder has none. A single file that is damaged throws IoError.
optim::LatestCheckpoint open_checkpoint(const std::string& path);
/// The same where there must be one, of this kind; IoError or ConfigError otherwise. Says on standard output which
/// files of a folder were passed over.
optim::LatestCheckpoint open_checkpoint(const std::string& path, const CheckpointKind& kind);

/// A run begins in a folder without checkpoints: an old run's later ones would be taken for its own. ConfigError when
/// there is one. A folder whose checkpoints cannot be read is renamed, so that the files stay: hold its RunLock.
void refuse_foreign_checkpoints(const TrainingOptions& options);
/// The checkpoint to go on from, if one is asked for and there is one. Says so on standard output, and how the learning
/// rate goes on when `steps` has changed, and that the numbers will differ when the instruction set has. IoError that
/// names every file and its reason when there are checkpoints and none can be read: a run that began anew would replace
/// them. ConfigError that names what differs when settings have changed that must not, or the data, unless
/// `options.accept_changed_data`.
std::optional<optim::TrainState> state_to_resume(const TrainingOptions& options, const PresentRun& run,
                                                 const CheckpointKind& kind);
/// Puts into a state that a trainer captured what state_to_resume compares: the data and the instruction set.
void describe_circumstances(optim::TrainState& state, const std::string& data);

}  // namespace ditharos::examples
