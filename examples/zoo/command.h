#pragma once
// What the commands of zoo have in common.
#include <string>

#include <ditharos/models/zoo/recognition.h>
#include "examples/cli/settings.h"

namespace ditharos::examples {

/// Which model a file is, as far as its tensors do not say it.
struct Hints {
  std::string model, config;

  /// Adds the flags --model and --config.
  void describe(Settings& settings);
  models::RecognitionHints read() const;
};

/// The settings of `zoo NAME`.
Settings command(const std::string& name, const std::string& summary);

}  // namespace ditharos::examples
