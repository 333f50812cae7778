#include <ditharos/examples/common/resume.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <sstream>
#include <system_error>

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

/// False for a path that does not exist or is something else; IoError when that cannot be found out.
bool is_folder(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  check<IoError>(status.type() != fs::file_type::none, "cannot look into \"", path, "\": ", error.message());
  return fs::is_directory(status);
}

/// IoError that says of every checkpoint in `path` why it cannot be used, unless one can. `advice` ends the sentence.
void check_found(const std::string& path, const optim::LatestCheckpoint& found, const std::string& advice) {
  if (found.state) return;
  std::string reasons;
  for (const std::string& reason : found.rejected) reasons += (reasons.empty() ? ": " : "; ") + reason;
  fail<IoError>("there is no usable checkpoint in \"", path, "\"", reasons, advice);
}

/// Names the files that were passed over on the way to the one that was found.
void say_rejected(const optim::LatestCheckpoint& found) {
  for (const std::string& reason : found.rejected) std::printf("passing over: %s\n", reason.c_str());
}

/// Makes room for a new run and keeps the files: a later version may read what this one cannot.
void set_aside(const fs::path& folder, const optim::LatestCheckpoint& found) {
  fs::path aside = folder.string() + "_unreadable";
  for (int i = 2; fs::exists(fs::symlink_status(aside)); ++i)
    aside = folder.string() + "_unreadable_" + std::to_string(i);
  say_rejected(found);
  std::error_code error;
  fs::rename(folder, aside, error);
  check<IoError>(!error, "cannot rename ", folder.string(), " to ", aside.string(), ": ", error.message());
  std::printf("no checkpoint in %s can be read: the folder is called %s now, and the run begins anew\n",
              folder.c_str(), aside.c_str());
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
  if (!is_folder(path)) return {.path = path, .state = optim::load_checkpoint(path), .rejected = {}};
  const std::string inner = (fs::path(path) / checkpoint_folder).string();
  return optim::latest_valid(is_folder(inner) ? inner : path);
}

optim::LatestCheckpoint open_checkpoint(const std::string& path, const CheckpointKind& kind) {
  optim::LatestCheckpoint found = open_checkpoint(path);
  check_found(path, found, "");
  say_rejected(found);
  check_kind(found.path, *found.state, kind);
  return found;
}

void refuse_foreign_checkpoints(const TrainingOptions& options) {
  const bool goes_on = options.resume == "auto" || fs::path(options.resume) == options.out;
  const fs::path folder = fs::path(options.out) / checkpoint_folder;
  if (goes_on || !is_folder(folder.string())) return;
  const optim::LatestCheckpoint found = optim::latest_valid(folder.string());
  check<ConfigError>(!found.state, "\"", options.out,
                     "\" already holds checkpoints of a run; --resume auto goes on with it, another --out begins "
                     "beside it");
  if (!found.rejected.empty()) set_aside(folder, found);
}

std::optional<optim::TrainState> state_to_resume(const TrainingOptions& options, const std::string& configuration,
                                                 const CheckpointKind& kind) {
  if (options.resume == "none") return std::nullopt;
  const bool automatic = options.resume == "auto";
  const std::string& source = automatic ? options.out : options.resume;
  optim::LatestCheckpoint found;
  if (!automatic || is_folder(source)) found = open_checkpoint(source);
  if (automatic && !found.state && found.rejected.empty()) return std::nullopt;  // a run that begins
  check_found(source, found, "; --resume none or another --out begins anew");
  say_rejected(found);
  check_same_run(found.path, *found.state, configuration, kind);
  std::printf("going on from %s\n", found.path.c_str());
  return std::move(found.state);
}

}  // namespace ditharos::examples
