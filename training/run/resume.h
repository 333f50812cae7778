#pragma once
// Finds the checkpoint that a run resumes or that a model is loaded from, and checks that it fits.
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

/// What a run and its continuation must have in common. It is stored in the run's checkpoints.
struct RunIdentity {
  CheckpointKind kind;
  std::string configuration = {};  ///< every setting of the run, a line "key = value" each; empty: nothing is compared
  /// The settings' defaults, in the same form: what a setting was in runs from before it existed.
  std::string defaults = {};
  std::string data = {};     ///< fingerprint_of() its data
  TrainSettings train = {};  ///< those of the loop and the schedule
};

/// Loads the checkpoint `path`, or the newest readable one of the run folder `path`. IoError when there is none.
/// Reports which files of a folder were skipped.
[[nodiscard]] LatestCheckpoint open_checkpoint(const std::string& path, Reporter& reporter = silent());
/// The same; ConfigError unless it is of this kind.
[[nodiscard]] LatestCheckpoint open_checkpoint(const std::string& path, const CheckpointKind& kind,
                                               Reporter& reporter = silent());

/// A new run needs a folder without checkpoints: those of an older run would be mistaken for its own. ConfigError when
/// there is one. A folder whose checkpoints cannot be read is renamed and keeps its files; the caller holds its
/// RunLock.
void refuse_foreign_checkpoints(const RunOptions& options, Reporter& reporter = silent());
/// The checkpoint to resume, if the options name one and it exists. Reports it, the learning rate when the schedule
/// or the number of steps has changed, and that results will differ when the instruction set has changed. IoError that
/// names every file and its reason when there are checkpoints and none can be read: a new run would replace them.
/// ConfigError that names the differences when settings have changed that must not, or the data, unless
/// `options.accept_changed_data`. With several ranks it is collective; ConfigError that names what differs when their
/// library versions, configurations, data or checkpoints do.
[[nodiscard]] std::optional<TrainState> state_to_resume(const RunOptions& options, const RunIdentity& run,
                                                        Reporter& reporter = silent());
/// The gradient_shards of the run that the options resume, or nothing: they resume none, or it does not say.
[[nodiscard]] std::optional<int64_t> stored_gradient_shards(const RunOptions& options);
/// Adds what state_to_resume compares to a state that a trainer captured: kind, configuration, data and the instruction
/// set.
void describe_run(TrainState& state, const RunIdentity& run);

}  // namespace ditharos::training
