#include <ditharos/training/run/run_outputs.h>

#include <ditharos/training/run/output_files.h>
#include <ditharos/training/run/resume.h>

namespace ditharos::training {

RunOutputs::RunOutputs(const RunOptions& options, const std::string& samples, Reporter& reporter)
    : lock_(options.writes_nothing() ? std::nullopt
                                     : std::optional<RunLock>(std::in_place, options.folder, options.names)),
      folder_(options.folder, !options.writes_nothing()),
      samples_(samples.empty() ? "" : folder_.file(samples)),
      profile_(options.profile),
      dry_run_(options.dry_run),
      summary_(options.summary) {
  if (options.writes_nothing()) {
    refuse_foreign_checkpoints(options, reporter);
    return;
  }
  check_output_file(folder_.file(configuration_file));
  check_output_file(samples_);
  check_output_file(profile_);
  refuse_foreign_checkpoints(options, reporter);
  check_output_folder(folder_.file(checkpoint_folder));
}

}  // namespace ditharos::training
