#pragma once
// How a training run is to be made: where it writes, and what it goes on from.
#include <string>

namespace ditharos::training {

/// What the options are called where somebody sets them, such as the flags of a command line. Messages name them.
struct OptionNames {
  std::string folder = "folder", resume = "resume", accept_changed_data = "accept_changed_data";
};

struct RunOptions {
  std::string folder;  ///< for checkpoints, samples and metrics; it is made if it is missing
  /// "none" begins a new run. "auto" goes on from the newest readable checkpoint in `folder`, and begins a new run
  /// where there is none. Anything else is the checkpoint file or the run folder to go on from.
  std::string resume = "none";
  bool accept_changed_data = false;  ///< go on although the data are not those that the run learnt from so far
  std::string profile = {};          ///< file for a Chrome trace of a few steps; empty: none
  OptionNames names = {};
};

}  // namespace ditharos::training
