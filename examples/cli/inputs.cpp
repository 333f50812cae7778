#include "examples/cli/inputs.h"

#include <filesystem>
#include <system_error>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/training/run/resume.h>

namespace ditharos::examples {
namespace {

namespace fs = std::filesystem;

bool holds_checkpoints(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == ".ckpt") return true;
  return false;
}

}  // namespace

void check_inputs(const std::vector<NamedInput>& inputs) {
  for (const NamedInput& input : inputs) {
    std::error_code error;
    const bool missing = !input.path.empty() && fs::status(input.path, error).type() == fs::file_type::not_found;
    check<ConfigError>(!missing, input.flag, " ", quote(input.path), ": there is no such file or folder");
  }
}

void check_training_inputs(const TrainingOptions& options, const Settings& settings,
                           const std::vector<NamedInput>& inputs) {
  if (options.resume != "none" && options.resume != "auto") check_inputs({{options.names.resume, options.resume}});
  if (!begins_anew(options)) return;
  check_inputs(inputs);
  settings.check_kinds();
}

bool begins_anew(const TrainingOptions& options) {
  if (options.resume != "auto") return options.resume == "none";
  const fs::path folder = options.folder;
  return !holds_checkpoints(folder) && !holds_checkpoints(folder / training::checkpoint_folder);
}

}  // namespace ditharos::examples
