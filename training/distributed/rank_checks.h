#pragma once
// Checks at the start of a run that its ranks belong together.
#include <filesystem>
#include <string>

#include <ditharos/training/distributed/communicator.h>

namespace ditharos::training {

/// Collective. ConfigError, on every rank, when the lines "key = value" of a rank are not those of rank 0; it names the
/// rank and what differs.
void check_same_on_all(Communicator& ranks, const std::string& values);

/// Collective. ConfigError, on every rank, when a rank does not see what rank 0 writes in `folder`, which exists there:
/// ranks read the run's checkpoints themselves.
void check_folder_is_shared(Communicator& ranks, const std::filesystem::path& folder);

/// "name = value" lines of what must be the same on all ranks apart from the run: the library's version.
[[nodiscard]] std::string library_values();

/// Collective. Rank 0 calls f before all others do: for what one process writes and all of them read.
template <class F>
auto root_first(Communicator& ranks, const F& f) {
  if (!ranks.is_root()) ranks.barrier();
  auto result = f();
  if (ranks.is_root()) ranks.barrier();
  return result;
}

}  // namespace ditharos::training
