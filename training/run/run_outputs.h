#pragma once
// The output files of a run.
#include <optional>
#include <string>

#include <ditharos/training/run/reporter.h>
#include <ditharos/training/run/run_folder.h>
#include <ditharos/training/run/run_options.h>

namespace ditharos::training {

/// The output files of a run, locked and checked before its first step. Construct it before a checkpoint is read.
class RunOutputs {
 public:
  /// Locks the folder `options.folder`, then makes sure that it holds no checkpoints of another run and that
  /// configuration, samples, checkpoints and profile can be written. `samples` is the file for samples in the folder;
  /// empty: none are drawn. IoError or ConfigError naming the path that cannot be written; nothing has changed then.
  /// Options that write nothing create, lock and probe nothing. With several ranks it is collective: rank 0 creates,
  /// locks and probes; ConfigError when another rank does not see its folder.
  explicit RunOutputs(const RunOptions& options, const std::string& samples = "", Reporter& reporter = silent());

  const RunFolder& folder() const { return folder_; }
  bool dry_run() const { return dry_run_; }  ///< see RunOptions
  bool summary() const { return summary_; }
  const std::string& samples() const { return samples_; }  ///< a path; empty: none
  const std::string& profile() const { return profile_; }  ///< a path; empty: none

 private:
  std::optional<RunLock> lock_;
  RunFolder folder_;
  std::string samples_, profile_;
  bool dry_run_, summary_;
};

}  // namespace ditharos::training
