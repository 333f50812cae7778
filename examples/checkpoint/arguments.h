#pragma once
// The arguments of the program checkpoint: files or run folders to read, and a file to write.
#include <cstddef>
#include <string>
#include <vector>

#include <ditharos/training/checkpoint/checkpoint_folder.h>
#include "examples/cli/settings.h"

namespace ditharos::examples {

/// Files that a command reads, and the one that it writes.
struct Paths {
  std::vector<std::string> files;
  std::string out;

  /// ConfigError unless there are `least` to `most` files, and --out, if it needs this `ending`, can be written and is
  /// none of them. `command` is for messages.
  void check(const std::string& command, size_t least, size_t most, const std::string& ending = "") const;
};

/// The settings of `checkpoint NAME`; `placeholder` stands for the files in --help.
Settings command(const std::string& name, const std::string& summary, Paths& paths, const std::string& placeholder);

/// Loads the file `path`, or the newest checkpoint of the run folder `path` that can be read; says on stderr what was
/// skipped. IoError when there is none.
training::LatestCheckpoint open_newest(const std::string& path);
/// The path that open_newest would load; a file is not opened.
std::string newest_in(const std::string& path);
/// The files, and in place of each folder all of its checkpoints, the newest first. IoError for a folder without any.
std::vector<std::string> all_in(const std::vector<std::string>& paths);

}  // namespace ditharos::examples
