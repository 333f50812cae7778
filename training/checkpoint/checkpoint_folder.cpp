#include <ditharos/training/checkpoint/checkpoint_folder.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::training {
namespace {

namespace fs = std::filesystem;

const std::string prefix = "step_", suffix = ".ckpt";

/// Paths by step, the highest first. Throws IoError when the folder is there but cannot be read.
std::map<int64_t, std::string, std::greater<>> list_checkpoints(const std::string& directory) {
  std::map<int64_t, std::string, std::greater<>> found;
  std::error_code error;
  fs::directory_iterator it(directory, error);
  if (error == std::errc::no_such_file_or_directory) return found;
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() < prefix.size() + suffix.size()) continue;
    int64_t step = -1;
    const char* first = name.data() + prefix.size();
    const char* last = name.data() + name.size() - suffix.size();
    const auto [end, problem] = std::from_chars(first, last, step);
    if (problem == std::errc() && end == last && step >= 0) found[step] = it->path().string();
  }
  check<IoError>(!error, "cannot list the checkpoints in ", directory, ": ", error.message());
  return found;
}

}  // namespace

std::vector<std::string> checkpoint_files(const std::string& directory) {
  std::vector<std::string> paths;
  for (const auto& [step, path] : list_checkpoints(directory)) paths.push_back(path);
  return paths;
}

LatestCheckpoint latest_valid(const std::string& directory) {
  return latest_valid_until(directory, std::numeric_limits<int64_t>::max());
}

LatestCheckpoint latest_valid_until(const std::string& directory, int64_t most) {
  LatestCheckpoint latest;
  for (const auto& [step, path] : list_checkpoints(directory)) {
    if (step > most) continue;
    try {
      latest.state = load_checkpoint(path);
      latest.path = path;
      break;
    } catch (const IoError& e) {
      latest.rejected.emplace_back(e.what());
    }
  }
  return latest;
}

std::optional<double> validation_loss(const TrainState& state) {
  const auto entry = state.metadata.find(validation_entry);
  if (entry == state.metadata.end()) return std::nullopt;
  const std::string& text = entry->second;
  double loss = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), loss);
  const bool sound = error == std::errc() && end == text.data() + text.size() && std::isfinite(loss);
  return sound ? std::optional(loss) : std::nullopt;
}

CheckpointFolder::CheckpointFolder(const std::string& directory, const KeepRules& keep)
    : directory_(directory), keep_(keep) {
  check<ConfigError>(keep.last >= 1 && keep.best >= 0 && keep.every >= 0, "[checkpoints] at least 1 must be kept, got ",
                     keep.last, " last, ", keep.best, " best and every ", keep.every);
  std::error_code error;
  fs::create_directories(directory, error);
  check<IoError>(!error, "cannot make the folder ", directory, ": ", error.message());
  sweep_temporaries(directory);
  remove_surplus(std::numeric_limits<int64_t>::max());  // what a save that was killed had no time to remove
}

std::string CheckpointFolder::path_of(int64_t step) const {
  std::string digits = std::to_string(step);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  return directory_ + "/" + prefix + digits + suffix;
}

std::string CheckpointFolder::save(const TrainState& state) {
  check(state.step >= 0, "[checkpoints] the step must be at least 0, got ", state.step);
  check_finite(state);
  const std::string path = path_of(state.step);
  verified_.erase(path);
  save_checkpoint(path, state);
  verify_checkpoint(path);
  verified_.insert(path);
  remove_surplus(state.step);
  return path;
}

bool CheckpointFolder::is_readable(const std::string& path) {
  if (verified_.contains(path)) return true;
  try {
    verify_checkpoint(path);
  } catch (const IoError&) {
    return false;
  }
  verified_.insert(path);
  return true;
}

std::set<std::string> CheckpointFolder::best_of(const std::vector<std::pair<int64_t, std::string>>& checkpoints) {
  std::vector<std::tuple<double, int64_t, std::string>> scored;
  for (const auto& [step, path] : checkpoints) {
    try {
      if (const auto loss = validation_loss(read_contents(path).state)) scored.emplace_back(*loss, step, path);
    } catch (const IoError&) {  // a damaged one has no score
    }
  }
  std::sort(scored.begin(), scored.end());  // of equal losses the earlier step comes first
  std::set<std::string> best;
  for (const auto& [loss, step, path] : scored)
    if (int64_t(best.size()) < keep_.best && is_readable(path)) best.insert(path);
  return best;
}

void CheckpointFolder::remove_surplus(int64_t newest) {
  auto found = list_checkpoints(directory_);
  found.erase(found.begin(), found.lower_bound(newest));  // in descending order: the later steps
  if (int64_t(found.size()) <= keep_.last) return;
  const std::set<std::string> best = keep_.best > 0 ? best_of({found.begin(), found.end()}) : std::set<std::string>();
  int64_t kept = 0;
  for (const auto& [step, path] : found) {
    if (kept < keep_.last) {
      kept += is_readable(path);
      continue;
    }
    if (best.contains(path) || (keep_.every > 0 && step % keep_.every == 0)) continue;
    std::error_code ignored;  // what cannot be removed now is tried again at the next save
    fs::remove(path, ignored);
    verified_.erase(path);
  }
}

}  // namespace ditharos::training
