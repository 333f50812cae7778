#pragma once
// A run's folder of checkpoints: keeps the last ones and skips damaged ones.
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <ditharos/training/checkpoint/checkpoint.h>

namespace ditharos::training {

/// The newest checkpoint of a folder that can be read, and why newer ones cannot.
struct LatestCheckpoint {
  std::string path;                   ///< empty when there is none
  std::optional<TrainState> state;    ///< its contents
  std::vector<std::string> rejected;  ///< newest first, each a sentence that names the file and what is wrong with it
};

/// The paths of the checkpoints in `directory`, the highest step first, whether they can be read or not. A missing
/// folder has none. IoError when the folder cannot be listed.
[[nodiscard]] std::vector<std::string> checkpoint_files(const std::string& directory);

/// Loads the checkpoint of the highest step in `directory` that passes every check. A missing or empty folder has none.
[[nodiscard]] LatestCheckpoint latest_valid(const std::string& directory);
/// The same among the checkpoints of steps up to `most`.
[[nodiscard]] LatestCheckpoint latest_valid_until(const std::string& directory, int64_t most);

/// Which checkpoints stay: the `last` ones, the `best` ones by validation loss, and those of multiples of `every`.
struct KeepRules {
  int64_t last = 2;   ///< at least 1
  int64_t best = 0;   ///< of those whose metadata has a finite validation loss; of equal ones the earlier
  int64_t every = 0;  ///< 0: none
};

/// The entry of TrainState::metadata for the validation loss of a checkpoint's step, as text.
inline constexpr const char* validation_entry = "validation loss";
/// The number of such an entry; nothing for a text that is not a finite number.
[[nodiscard]] std::optional<double> validation_loss(const TrainState& state);

/// Saves as step_00001234.ckpt and removes those that no rule keeps.
///
/// At every instant, kill -9 included, the newest or the one before it loads: a save writes a temporary, renames it,
/// reads the new file back against its checksums, and only then removes old ones. Only readable files count among those
/// kept. Files of other names and checkpoints of later steps are left alone.
class CheckpointFolder {
 public:
  /// Creates the folder if it is missing and removes what killed writers left: temporaries, surplus checkpoints.
  explicit CheckpointFolder(const std::string& directory, const KeepRules& keep);
  explicit CheckpointFolder(const std::string& directory, int64_t keep_last = 2)
      : CheckpointFolder(directory, KeepRules{.last = keep_last}) {}

  const std::string& directory() const { return directory_; }
  /// The file of a step.
  std::string path_of(int64_t step) const;
  /// Saves under state.step and returns the path. Refuses a state with a value that is not finite (check_finite): it
  /// must not replace a good one. IoError leaves all older files as they were.
  std::string save(const TrainState& state);

 private:
  bool is_readable(const std::string& path);
  /// The paths of the best readable checkpoints among these, which are steps and paths.
  std::set<std::string> best_of(const std::vector<std::pair<int64_t, std::string>>& checkpoints);
  /// Removes what no rule keeps of the checkpoints of steps up to `newest`.
  void remove_surplus(int64_t newest);

  std::string directory_;
  KeepRules keep_;
  std::set<std::string> verified_;  // by this object, so that each is read once
};

}  // namespace ditharos::training
