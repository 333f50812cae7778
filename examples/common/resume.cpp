#include "examples/common/resume.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include <ditharos/tensor/system/instruction_set.h>

namespace ditharos::examples {
namespace {

namespace fs = std::filesystem;

/// Keys and values in the order of a text.
using Values = std::vector<std::pair<std::string, std::string>>;

/// The "key = value" lines of a configuration that Settings wrote, whose keys are unique across sections, or of a
/// fingerprint.
Values values_of(const std::string& text) {
  Values values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (const size_t at = line.find(" = "); at != std::string::npos)
      values.emplace_back(line.substr(0, at), line.substr(at + 3));
  return values;
}

/// The value of a key; nothing if there is none.
std::optional<std::string> find(const Values& values, const std::string& key) {
  for (const auto& [name, value] : values)
    if (name == key) return value;
  return std::nullopt;
}

/// "key = value instead of value" for each key of `now` that `then` lacks or has with another value, and for each that
/// is missing now; at most a few, and how many more there are.
std::string differences(const std::string& then, const std::string& now, const std::set<std::string>& may_change) {
  constexpr int shown = 6;
  const Values old_values = values_of(then), new_values = values_of(now);
  std::string text;
  int count = 0;
  const auto add = [&](const std::string& key, const std::string& value, const std::string& before) {
    if (may_change.count(key) > 0 || value == before || ++count > shown) return;
    text += (text.empty() ? "" : ", ") + key + " = " + value + " instead of " + before;
  };
  for (const auto& [key, value] : new_values) add(key, value, find(old_values, key).value_or("nothing"));
  for (const auto& [key, value] : old_values)
    if (!find(new_values, key)) add(key, "nothing", value);
  if (count > shown) text += " and " + std::to_string(count - shown) + " more";
  return text;
}

constexpr const char* data_entry = "data";
constexpr const char* instructions_entry = "instruction set";

/// That the run learns from what it learnt from before: otherwise its bits are others.
void compare_data(const std::string& path, const optim::TrainState& state, const std::string& now, bool accept) {
  const auto then = state.metadata.find(data_entry);
  if (then == state.metadata.end()) {
    std::printf("%s does not say what data it was trained on: they are not compared\n", path.c_str());
    return;
  }
  const std::string differing = differences(then->second, now, {});
  if (differing.empty()) return;
  check<ConfigError>(accept, "cannot go on from \"", path, "\" with other data: ", differing,
                     "; bring the data back, choose another --out, or accept them with --accept-changed-data");
  std::printf("going on with other data than before: %s\n", differing.c_str());
}

void compare_instruction_sets(const optim::TrainState& state) {
  const auto then = state.metadata.find(instructions_entry);
  const char* now = instruction_set();
  if (then == state.metadata.end() || then->second == now) return;
  std::printf("trained with the instruction set %s so far, with %s from here on: the numbers will differ in their last "
              "digits from those of a run on one machine\n", then->second.c_str(), now);
}

/// Says what a changed number of steps means.
void compare_steps(const optim::TrainState& state, const TrainSettings& now) {
  TrainSettings then = now;  // steps alone may have changed
  const std::string steps = find(values_of(state.configuration), "steps").value_or("");
  std::from_chars(steps.data(), steps.data() + steps.size(), then.steps);
  if (now.steps <= state.step && (now.steps < state.step || now.steps != then.steps))
    std::printf("steps = %lld: the run has made %lld already, so nothing is trained\n",
                static_cast<long long>(now.steps), static_cast<long long>(state.step));
  if (now.steps == then.steps || now.steps <= state.step || then.steps < 1) return;
  const auto rate = [&](const TrainSettings& train) {
    return optim::learning_rate(trainer_config(train).schedule, std::min(state.step, train.steps - 1));
  };
  std::printf("steps = %lld instead of %lld: the learning rate goes on from %.5g instead of %.5g\n",
              static_cast<long long>(now.steps), static_cast<long long>(then.steps), rate(now), rate(then));
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
  std::set<std::string> may_change = kind.may_change;
  for (const auto& [key, value] : values_of(state.configuration))  // settings that this version has no more
    if (!find(values_of(configuration), key)) may_change.insert(key);
  const std::string differing = differences(state.configuration, configuration, may_change);
  check<ConfigError>(differing.empty(), "cannot go on from \"", path, "\" with other settings: ", differing,
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

std::optional<optim::TrainState> state_to_resume(const TrainingOptions& options, const PresentRun& run,
                                                 const CheckpointKind& kind) {
  if (options.resume == "none") return std::nullopt;
  const bool automatic = options.resume == "auto";
  const std::string& source = automatic ? options.out : options.resume;
  optim::LatestCheckpoint found;
  if (!automatic || is_folder(source)) found = open_checkpoint(source);
  if (automatic && !found.state && found.rejected.empty()) return std::nullopt;  // a run that begins
  check_found(source, found, "; --resume none or another --out begins anew");
  say_rejected(found);
  check_same_run(found.path, *found.state, run.configuration, kind);
  compare_data(found.path, *found.state, run.data, options.accept_changed_data);
  std::printf("going on from %s\n", found.path.c_str());
  compare_instruction_sets(*found.state);
  compare_steps(*found.state, run.train);
  return std::move(found.state);
}

void describe_circumstances(optim::TrainState& state, const std::string& data) {
  state.metadata[data_entry] = data;
  state.metadata[instructions_entry] = instruction_set();
}

}  // namespace ditharos::examples
