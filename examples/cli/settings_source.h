#pragma once
// The sources of settings: TOML text and the command line. Internal to Settings.
#include <optional>
#include <string>
#include <vector>

#include "examples/cli/settings.h"

namespace ditharos::examples {

/// A value that was read and checked, but not set yet: nothing changes before all of the input is checked.
struct Assignment {
  size_t row;  // of the table
  Value value;
  std::string origin;
};

/// The assignments of a TOML text. Throws ConfigError "source:line:column: ..." for the first mistake in it.
std::vector<Assignment> read_toml(const std::vector<Setting>& table, const std::string& text,
                                  const std::string& source);

struct CommandLine {
  bool help = false;
  std::optional<std::string> config;  // the file behind --config
  std::vector<Assignment> assignments;
  std::vector<std::vector<std::string>> texts;  // of each TextOption; empty where it was not given
};

/// Throws ConfigError for a flag that is unknown, lacks its value, or has one that is not allowed.
CommandLine read_command_line(const std::vector<Setting>& table, const std::vector<TextOption>& texts,
                              bool takes_config, int argc, const char* const* argv);

/// The text of --help.
std::string help_text(const std::string& program, const std::string& summary,
                      const std::vector<std::pair<std::string, std::string>>& sections,
                      const std::vector<Setting>& table, const std::vector<TextOption>& texts, bool takes_config);

}  // namespace ditharos::examples
