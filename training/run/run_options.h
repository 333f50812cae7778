#pragma once
// The options of a training run: its output folder, and the checkpoint that it resumes.
#include <string>

#include <ditharos/training/distributed/communicator.h>

namespace ditharos::training {

/// The names of the options in messages, such as the flags of a command line.
struct OptionNames {
  std::string folder = "folder", resume = "resume", accept_changed_data = "accept_changed_data";
};

struct RunOptions {
  std::string folder;  ///< for checkpoints, samples and metrics; it is created if it is missing
  /// "none" begins a new run. "auto" resumes from the newest readable checkpoint in `folder`, and begins a new run
  /// where there is none. Anything else is the checkpoint file or the run folder to resume from.
  std::string resume = "none";
  bool accept_changed_data = false;  ///< resume although the data have changed
  std::string profile = {};          ///< file for a Chrome trace of a few steps; empty: none
  bool dry_run = false;              ///< check everything and compute a step, but write nothing
  bool summary = false;              ///< report the model's modules and its size, but write nothing

  Communicator* ranks = nullptr;  ///< that train together; null: this process alone

  bool writes_nothing() const { return dry_run || summary; }
  OptionNames names = {};
};

}  // namespace ditharos::training
