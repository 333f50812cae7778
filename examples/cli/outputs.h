#pragma once
// Checks of a program's output files: no output may be an input or another output.
#include <string>
#include <vector>

#include "examples/cli/options/training_settings.h"

namespace ditharos::examples {

/// A path and its flag.
struct NamedOutput {
  std::string flag, path;
  bool folder = false;  ///< a folder that is filled with files
};
struct NamedInput {
  std::string flag, path;
  bool run = false;  ///< of a folder, the checkpoints alone are read
};

/// ConfigError when an output is an input, a file in a folder that is an input, or another output, also through links.
/// Empty paths and inputs that do not exist are ignored.
void check_outputs(const std::vector<NamedOutput>& outputs, const std::vector<NamedInput>& inputs);

/// The same for a training program: --out, --profile and `others` against --config and `inputs`. A new run does not
/// write over its own --config, as a config.toml in its folder would; a run that goes on may.
void check_training_outputs(const TrainingOptions& options, const Settings& settings,
                            const std::vector<NamedInput>& inputs, const std::vector<NamedOutput>& others = {});

/// ConfigError unless the name ends in .png, in any case. An empty name is ignored.
void check_png_name(const std::string& flag, const std::string& path);

}  // namespace ditharos::examples
