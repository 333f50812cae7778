#pragma once
// The folder samples/ of a run: a copy of every sample grid, named after its step.
#include <cstdint>
#include <string>
#include <vector>

namespace ditharos::training {

/// The name of the folder in a run's folder.
inline constexpr const char* sample_folder = "samples";

/// One file of the folder.
struct KeptSample {
  int64_t step = 0;
  std::string path;
};

/// Copies the newest samples, `file`, to `folder`/step_00001234 with the file's ending; whole or not at all.
/// IoError when that is not possible, or when the file is longer than 64 MiB.
void keep_sample(const std::string& folder, int64_t step, const std::string& file);
/// The files of that form in the folder, in the order of their steps. A missing folder has none.
[[nodiscard]] std::vector<KeptSample> list_samples(const std::string& folder);
/// Removes those of steps after `last_step`, as a run that is resumed there draws them again.
void drop_samples_after(const std::string& folder, int64_t last_step);

}  // namespace ditharos::training
