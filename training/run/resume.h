#pragma once
// Which checkpoint a run goes on from, or a model is loaded from, and which ones are refused.
#include <optional>
#include <set>
#include <string>

#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include <ditharos/training/run/reporter.h>
#include <ditharos/training/run/run_options.h>
#include <ditharos/training/train_settings.h>

namespace ditharos::training {

/// Name of the folder of checkpoints inside a run's folder.
inline constexpr const char* checkpoint_folder = "checkpoints";

/// One kind of checkpoint.
struct CheckpointKind {
  std::string name;                       ///< TrainState::kind
  std::string model;                      ///< for messages: "a DiT"
  std::set<std::string> may_change = {};  ///< settings that may differ between a run and its continuation
};

/// What a run and its continuation must agree in. It goes into the run's checkpoints.
struct RunIdentity {
  CheckpointKind kind;
  std::string configuration = {};  ///< every setting of the run, a line "key = value" each; empty: nothing is compared
  std::string data = {};           ///< fingerprint_of() what it learns from
  TrainSettings train = {};        ///< the steps to be made, and the schedule
};

/// Loads the checkpoint `path`, or the newest readable one of the run folder `path`, which must be of this kind.
/// IoError or ConfigError otherwise. Reports which files of a folder were passed over.
[[nodiscard]] LatestCheckpoint open_checkpoint(const std::string& path, const CheckpointKind& kind,
                                               Reporter& reporter = silent());

/// A run begins in a folder without checkpoints: an old run's later ones would be taken for its own. ConfigError when
/// there is one. A folder whose checkpoints cannot be read is renamed, so that the files stay: hold its RunLock.
void refuse_foreign_checkpoints(const RunOptions& options, Reporter& reporter = silent());
/// The checkpoint to go on from, if one is asked for and there is one. Reports that, how the learning rate goes on when
/// the number of steps has changed, and that the numbers will differ when the instruction set has. IoError that names
/// every file and its reason when there are checkpoints and none can be read: a run that began anew would replace them.
/// ConfigError that names what differs when settings have changed that must not, or the data, unless
/// `options.accept_changed_data`.
[[nodiscard]] std::optional<TrainState> state_to_resume(const RunOptions& options, const RunIdentity& run,
                                                        Reporter& reporter = silent());
/// Puts into a state that a trainer captured what state_to_resume compares: kind, configuration, data and the
/// instruction set.
void describe_run(TrainState& state, const RunIdentity& run);

}  // namespace ditharos::training
