#include "examples/cli/outputs.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/quoted_text.h>

namespace ditharos::examples {
namespace {

namespace fs = std::filesystem;

fs::path real(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(fs::absolute(path, error), error);
  return error ? fs::path(path) : whole;
}

bool lies_in(const fs::path& path, const fs::path& folder) {
  const auto [rest, end] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return rest == folder.end() && end != path.end();
}

/// Whether the output is one of the checkpoints of a run folder or of a folder of checkpoints.
bool is_checkpoint_of(const std::string& output, const fs::path& folder) {
  for (const fs::path& directory : {folder, folder / "checkpoints"}) {
    std::error_code error;
    for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
      if (it->path().extension() == ".ckpt" && same_file(it->path().string(), output)) return true;
  }
  return false;
}

/// Whether writing the output would change an input. A new file in a folder that is read does not; a new folder does,
/// because the next run reads it.
bool is_part_of(const NamedOutput& output, const NamedInput& input) {
  std::error_code error;
  if (same_file(output.path, input.path)) return true;
  if (!fs::is_directory(input.path, error)) return false;
  if (input.run) return is_checkpoint_of(output.path, input.path);
  return (output.folder || fs::exists(output.path, error)) && lies_in(real(output.path), real(input.path));
}

}  // namespace

void check_outputs(const std::vector<NamedOutput>& outputs, const std::vector<NamedInput>& inputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const NamedOutput& output = outputs[i];
    if (output.path.empty()) continue;
    std::error_code error;
    for (const NamedInput& input : inputs) {
      const bool known = !input.path.empty() && fs::exists(input.path, error);
      check<ConfigError>(!known || !is_part_of(output, input), output.flag, " ", quote(output.path),
                         " would write over ", input.flag, " ", quote(input.path),
                         ", which is read: choose another name");
    }
    for (size_t k = 0; k < i; ++k) {
      check<ConfigError>(outputs[k].path.empty() || !same_file(outputs[k].path, output.path), output.flag, " and ",
                         outputs[k].flag, " name the same file, ", quote(output.path), ": choose two names");
    }
  }
}

void check_training_outputs(const TrainingOptions& options, const Settings& settings,
                            const std::vector<NamedInput>& inputs, const std::vector<NamedOutput>& others) {
  std::vector<NamedInput> read = inputs;
  std::vector<NamedOutput> written = others;
  written.push_back({"--profile", options.profile});
  written.push_back({"--out", options.folder, true});
  if (options.resume != "auto") read.push_back({"--resume", options.resume == "none" ? "" : options.resume, true});
  // The checkpoint that a run resumes may be in its output folder.
  std::erase_if(read, [&](const NamedInput& input) {
    return input.flag == "--resume" && !input.path.empty() && same_file(input.path, options.folder);
  });
  const std::string stored = (fs::path(options.folder) / "config.toml").string();
  std::error_code error;
  if (!fs::exists(fs::path(options.folder) / "checkpoints", error)) written.push_back({"--out", stored});
  read.push_back({"--config", settings.config_path()});
  check_outputs(written, read);
}

void check_png_name(const std::string& flag, const std::string& path) {
  std::string ending = fs::path(path).extension().string();
  for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  check<ConfigError>(path.empty() || ending == ".png", flag, " ", quote(path),
                     ": what is written there is a PNG, so its name must end in .png");
}

}  // namespace ditharos::examples
