#include <ditharos/examples/common/resume.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <sstream>

namespace ditharos::examples {
namespace {

namespace fs = std::filesystem;

/// "key = value" lines of a configuration that Settings wrote; its keys are unique across sections.
std::map<std::string, std::string> values_of(const std::string& toml) {
  std::map<std::string, std::string> values;
  std::istringstream lines(toml);
  for (std::string line; std::getline(lines, line);)
    if (const size_t at = line.find(" = "); at != std::string::npos) values[line.substr(0, at)] = line.substr(at + 3);
  return values;
}

}  // namespace

std::set<std::string> keys_of(const Settings& settings) {
  std::set<std::string> keys;
  for (const auto& [key, value] : values_of(settings.to_toml())) keys.insert(key);
  return keys;
}

void check_kind(const std::string& path, const optim::TrainState& state, const CheckpointKind& kind) {
  check<ConfigError>(state.kind == kind.name, "\"", path, "\" holds a model of kind \"", state.kind, "\", not ",
                     kind.model);
}

void check_same_run(const std::string& path, const optim::TrainState& state, const std::string& configuration,
                    const CheckpointKind& kind) {
  check_kind(path, state, kind);
  const auto then = values_of(state.configuration), now = values_of(configuration);
  std::string differences;
  for (const auto& [key, value] : now) {
    const auto it = then.find(key);
    if (kind.may_change.count(key) > 0 || (it != then.end() && it->second == value)) continue;
    differences += (differences.empty() ? "" : ", ") + key + " = " + value + " instead of " +
                   (it == then.end() ? "nothing" : it->second);
  }
  check<ConfigError>(differences.empty(), "cannot go on from \"", path, "\" with other settings: ", differences,
                     "; keep them, or choose another --out");
}

optim::LatestCheckpoint open_checkpoint(const std::string& path) {
  if (fs::is_directory(path)) {
    const fs::path inner = fs::path(path) / checkpoint_folder;
    return optim::latest_valid(fs::is_directory(inner) ? inner.string() : path);
  }
  return {.path = path, .state = optim::load_checkpoint(path), .rejected = {}};
}

optim::LatestCheckpoint open_checkpoint(const std::string& path, const CheckpointKind& kind) {
  optim::LatestCheckpoint found = open_checkpoint(path);
  check<IoError>(found.state.has_value(), "there is no usable checkpoint in \"", path, "\"",
                 found.rejected.empty() ? "" : ": " + found.rejected[0]);
  check_kind(found.path, *found.state, kind);
  return found;
}

void refuse_foreign_checkpoints(const TrainingOptions& options) {
  const fs::path folder = fs::path(options.out) / checkpoint_folder;
  const bool goes_on = options.resume == "auto" || fs::path(options.resume) == options.out;
  check<ConfigError>(goes_on || !fs::exists(folder) || fs::is_empty(folder), "\"", options.out,
                     "\" already holds checkpoints of a run; --resume auto goes on with it, another --out begins "
                     "beside it");
}

std::optional<optim::TrainState> state_to_resume(const TrainingOptions& options, const std::string& configuration,
                                                 const CheckpointKind& kind) {
  if (options.resume == "none") return std::nullopt;
  const bool automatic = options.resume == "auto";
  if (automatic && !fs::exists(options.out)) return std::nullopt;
  optim::LatestCheckpoint found = open_checkpoint(automatic ? options.out : options.resume);
  for (const std::string& reason : found.rejected) std::printf("passing over: %s\n", reason.c_str());
  check<IoError>(automatic || found.state.has_value(), "there is no usable checkpoint in \"", options.resume, "\"");
  if (!found.state) return std::nullopt;
  check_same_run(found.path, *found.state, configuration, kind);
  std::printf("going on from %s\n", found.path.c_str());
  return std::move(found.state);
}

}  // namespace ditharos::examples
