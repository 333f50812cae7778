#include <ditharos/training/run/run_outputs.h>

#include <ditharos/training/distributed/rank_checks.h>
#include <ditharos/training/run/output_files.h>
#include <ditharos/training/run/resume.h>

namespace ditharos::training {

namespace {

/// Whether this process writes the run's files.
bool writes(const RunOptions& options) {
  return !options.writes_nothing() && (options.ranks == nullptr || options.ranks->is_root());
}

}  // namespace

RunOutputs::RunOutputs(const RunOptions& options, const std::string& samples, Reporter& reporter)
    : lock_(writes(options) ? std::optional<RunLock>(std::in_place, options.folder, options.names) : std::nullopt),
      folder_(options.folder, writes(options)), samples_(samples.empty() ? "" : folder_.file(samples)),
      profile_(options.profile), dry_run_(options.dry_run), summary_(options.summary) {
  if (writes(options)) {
    check_output_file(folder_.file(configuration_file));
    check_output_file(samples_);
    check_output_file(profile_);
  }
  if (options.writes_nothing() || writes(options)) refuse_foreign_checkpoints(options, reporter);
  if (writes(options)) check_output_folder(folder_.file(checkpoint_folder));
  if (options.ranks != nullptr && !options.writes_nothing()) check_folder_is_shared(*options.ranks, options.folder);
}

}  // namespace ditharos::training
