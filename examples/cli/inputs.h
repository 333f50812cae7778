#pragma once
// Checks of the files and folders that a user's settings name: one that does not exist is a wrong setting.
#include <string>
#include <vector>

#include "examples/cli/outputs.h"

namespace ditharos::examples {

/// ConfigError, with the setting and the path, for a path that does not exist. Empty paths are ignored; so is what
/// cannot be looked at, since its reader says why.
void check_inputs(const std::vector<NamedInput>& inputs);

/// The same for a training program: --resume, and of a run that begins anew what it begins with, `inputs`. A run that
/// goes on needs none of these, since its checkpoint holds them. A run that begins anew is refused settings of other
/// kinds of data as well (Settings::check_kinds); one that goes on has to keep those that it began with.
void check_training_inputs(const TrainingOptions& options, const Settings& settings,
                           const std::vector<NamedInput>& inputs);

/// Whether the run begins anew rather than going on from a checkpoint: "auto" finds none in the output folder.
[[nodiscard]] bool begins_anew(const TrainingOptions& options);

}  // namespace ditharos::examples
