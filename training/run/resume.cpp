#include <ditharos/training/run/resume.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/system/instruction_set.h>
#include <ditharos/training/checkpoint/key_values.h>
#include <ditharos/training/distributed/rank_checks.h>

namespace ditharos::training {
namespace {

namespace fs = std::filesystem;

constexpr const char* data_entry = "data";
constexpr const char* instructions_entry = "instruction set";
constexpr const char* precision_entry = "precision";

/// Checks that the data are those of the earlier steps: with others the results differ.
void compare_data(const std::string& path, const TrainState& state, const std::string& now, const RunOptions& options,
                  Reporter& reporter) {
  const auto then = state.metadata.find(data_entry);
  if (then == state.metadata.end()) {
    reporter.note(path + " does not say what data it was trained on: they are not compared");
    return;
  }
  const std::string differing = differences(then->second, now, {});
  if (differing.empty()) return;
  check<ConfigError>(options.accept_changed_data, "cannot go on from \"", path, "\" with other data: ", differing,
                     "; bring the data back, choose another ", options.names.folder, ", or accept them with ",
                     options.names.accept_changed_data);
  reporter.note("going on with other data than before: " + differing);
}

/// The dtype of a run's products, and where they are emulated.
std::string products_of(const RunIdentity& run) {
  const DType dtype = precision_dtype(run.train.precision);
  return (dtype == DType::bf16 && !has_bf16_products() ? "emulated " : "") + std::string(name_of(dtype));
}

void compare_instruction_sets(const TrainState& state, Reporter& reporter) {
  const auto then = state.metadata.find(instructions_entry);
  const std::string now = instruction_set();
  if (then == state.metadata.end() || then->second == now) return;
  reporter.note("trained with the instruction set " + then->second + " so far, with " + now +
                " from here on: the numbers will differ in their last digits from those of a run on one machine");
}

void compare_precisions(const TrainState& state, const RunIdentity& run, Reporter& reporter) {
  const auto entry = state.metadata.find(precision_entry);  // runs of earlier versions have none: f32
  const std::string then = entry == state.metadata.end() ? name_of(DType::f32) : entry->second;
  const std::string now = products_of(run);
  if (then != now)
    reporter.note("trained with products of " + then + " so far, with products of " + now + " from here on");
}

template <class T>
void parse_number(const std::optional<std::string>& text, T& value) {
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
}

/// The schedule of a run with these settings. What they lack, or have in a way that this version cannot read, is as in
/// `now`.
TrainSettings schedule_of(const Values& settings, const TrainSettings& now) {
  TrainSettings then = now;
  parse_number(find(settings, "steps"), then.steps);
  parse_number(find(settings, "warmup"), then.warmup);
  parse_number(find(settings, "learning_rate"), then.learning_rate);
  parse_number(find(settings, "final_learning_rate"), then.final_learning_rate);
  for (const char* name : {"constant", "linear", "cosine", "inverse_sqrt"})
    if (find(settings, "schedule") == "\"" + std::string(name) + "\"") then.schedule = optim::decay_from_name(name);
  const bool possible = then.steps >= 1 && then.warmup >= 0 && then.learning_rate > 0 &&
                        then.final_learning_rate >= 0 && then.final_learning_rate <= then.learning_rate;
  return possible ? then : now;
}

/// Reports the effect of a changed schedule or number of steps.
void compare_schedules(const TrainState& state, const RunIdentity& run, Reporter& reporter) {
  const TrainSettings& now = run.train;
  const Values old_values = values_of(state.configuration), new_values = values_of(run.configuration);
  const TrainSettings then = schedule_of(old_values, now);
  const std::string new_steps = "steps = " + std::to_string(now.steps);
  if (now.steps <= state.step && (now.steps < state.step || now.steps != then.steps))
    reporter.note(new_steps + ": the run has made " + std::to_string(state.step) + " already, so nothing is trained");
  if (now.steps <= state.step) return;
  std::string changed;
  if (now.steps != then.steps) changed = new_steps + " instead of " + std::to_string(then.steps);
  for (const char* key : {"schedule", "learning_rate", "final_learning_rate", "warmup"}) {
    const std::optional<std::string> before = find(old_values, key), after = find(new_values, key);
    if (before && after && *before != *after)
      changed += (changed.empty() ? "" : ", ") + std::string(key) + " = " + *after + " instead of " + *before;
  }
  if (changed.empty()) return;
  const auto rate = [&](const TrainSettings& train) {
    return general_text(optim::learning_rate(trainer_config(train).schedule, std::min(state.step, train.steps - 1)), 5);
  };
  reporter.note(changed + ": the learning rate goes on from " + rate(now) + " instead of " + rate(then));
}

/// False for a path that does not exist or is no folder; IoError when that cannot be determined.
bool is_folder(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  check<IoError>(status.type() != fs::file_type::none, "cannot look into \"", path, "\": ", error.message());
  return fs::is_directory(status);
}

/// IoError with the reason for every checkpoint in `path`, unless one can be used. `advice` ends the sentence.
void check_found(const std::string& path, const LatestCheckpoint& found, const std::string& advice) {
  if (found.state) return;
  std::string reasons;
  for (const std::string& reason : found.rejected) reasons += (reasons.empty() ? ": " : "; ") + reason;
  fail<IoError>("there is no usable checkpoint in \"", path, "\"", reasons, advice);
}

/// Reports the files that were skipped.
void report_rejected(const LatestCheckpoint& found, Reporter& reporter) {
  for (const std::string& reason : found.rejected) reporter.note("passing over: " + reason);
}

/// Renames the folder to make room for a new run. The files are kept: a later version may be able to read them.
void set_aside(const fs::path& folder, const LatestCheckpoint& found, Reporter& reporter) {
  fs::path aside = folder.string() + "_unreadable";
  for (int i = 2; fs::exists(fs::symlink_status(aside)); ++i)
    aside = folder.string() + "_unreadable_" + std::to_string(i);
  report_rejected(found, reporter);
  std::error_code error;
  fs::rename(folder, aside, error);
  check<IoError>(!error, "cannot rename ", folder.string(), " to ", aside.string(), ": ", error.message());
  reporter.note("no checkpoint in " + folder.string() + " can be read: the folder is called " + aside.string() +
                " now, and the run begins anew");
}

/// ConfigError unless the checkpoint is of this kind.
void check_kind(const std::string& path, const TrainState& state, const CheckpointKind& kind) {
  check<ConfigError>(state.kind == kind.name, "\"", path, "\" holds a model of kind \"", state.kind, "\", not ",
                     kind.model);
}

/// ConfigError unless the checkpoint comes from a run with the same settings, apart from those that may change.
void check_same_run(const std::string& path, const TrainState& state, const RunIdentity& run,
                    const OptionNames& names) {
  check_kind(path, state, run.kind);
  std::set<std::string> may_change = run.kind.may_change;
  for (const auto& [key, value] : values_of(state.configuration))  // settings that this version has no more
    if (!find(values_of(run.configuration), key)) may_change.insert(key);
  for (const auto& [key, value] : values_of(run.defaults))  // settings that the run's version did not have yet
    if (!find(values_of(state.configuration), key) && find(values_of(run.configuration), key) == value)
      may_change.insert(key);
  const std::string differing = differences(state.configuration, run.configuration, may_change);
  check<ConfigError>(differing.empty(), "cannot go on from \"", path, "\" with other settings: ", differing,
                     "; keep them, or choose another ", names.folder);
}

/// Where the checkpoints of a run folder are, or of a folder of checkpoints.
std::string folder_of_checkpoints(const std::string& folder) {
  const std::string inner = (fs::path(folder) / checkpoint_folder).string();
  return is_folder(inner) ? inner : folder;
}

/// The checkpoint `path`, or the newest readable one of the run folder `path`. The result's `path` is empty when a
/// folder has none. A single file that is damaged throws IoError.
LatestCheckpoint find_checkpoint(const std::string& path) {
  if (!is_folder(path)) return {.path = path, .state = load_checkpoint(path), .rejected = {}};
  return latest_valid(folder_of_checkpoints(path));
}

}  // namespace

LatestCheckpoint open_checkpoint(const std::string& path, Reporter& reporter) {
  LatestCheckpoint found = find_checkpoint(path);
  check_found(path, found, "");
  report_rejected(found, reporter);
  return found;
}

LatestCheckpoint open_checkpoint(const std::string& path, const CheckpointKind& kind, Reporter& reporter) {
  LatestCheckpoint found = open_checkpoint(path, reporter);
  check_kind(found.path, *found.state, kind);
  return found;
}

void refuse_foreign_checkpoints(const RunOptions& options, Reporter& reporter) {
  const bool goes_on = options.resume == "auto" || fs::path(options.resume) == options.folder;
  const fs::path folder = fs::path(options.folder) / checkpoint_folder;
  if (goes_on || !is_folder(folder.string())) return;
  const LatestCheckpoint found = latest_valid(folder.string());
  check<ConfigError>(!found.state, "\"", options.folder, "\" already holds checkpoints of a run; ",
                     options.names.resume, " auto goes on with it, another ", options.names.folder,
                     " begins beside it");
  if (!found.rejected.empty() && !options.writes_nothing()) set_aside(folder, found, reporter);
}

namespace {

std::optional<TrainState> find_state_to_resume(const RunOptions& options, const RunIdentity& run, Reporter& reporter) {
  if (options.resume == "none") return std::nullopt;
  const bool automatic = options.resume == "auto";
  const std::string& source = automatic ? options.folder : options.resume;
  LatestCheckpoint found;
  if (!automatic || is_folder(source)) found = find_checkpoint(source);
  if (automatic && !found.state && found.rejected.empty()) return std::nullopt;  // a run that begins
  check_found(source, found, "; " + options.names.resume + " none or another " + options.names.folder + " begins anew");
  report_rejected(found, reporter);
  check_same_run(found.path, *found.state, run, options.names);
  compare_data(found.path, *found.state, run.data, options, reporter);
  reporter.note("going on from " + found.path);
  compare_instruction_sets(*found.state, reporter);
  compare_precisions(*found.state, run, reporter);
  compare_schedules(*found.state, run, reporter);
  return std::move(found.state);
}

}  // namespace

std::optional<TrainState> state_to_resume(const RunOptions& options, const RunIdentity& run, Reporter& reporter) {
  SingleProcess alone;
  Communicator& ranks = options.ranks != nullptr ? *options.ranks : alone;
  check_same_on_all(ranks,
                    library_values() + "kind of model = " + run.kind.name + "\n" + run.configuration + "\n" + run.data);
  std::optional<TrainState> state = find_state_to_resume(options, run, reporter);
  check_same_on_all(ranks, "step of the checkpoint = " + (state ? std::to_string(state->step) : "none") + "\n");
  return state;
}

std::optional<int64_t> stored_gradient_shards(const RunOptions& options) {
  if (options.resume == "none") return std::nullopt;
  const std::string& source = options.resume == "auto" ? options.folder : options.resume;
  const std::vector<std::string> files =
      is_folder(source) ? checkpoint_files(folder_of_checkpoints(source)) : std::vector<std::string>{source};
  for (const std::string& file : files) {
    int64_t shards = 1;  // of runs from before the setting existed
    try {
      parse_number(find(values_of(read_contents(file).state.configuration), "gradient_shards"), shards);
      return shards;
    } catch (const IoError&) {  // state_to_resume() reports it
    }
  }
  return std::nullopt;
}

void describe_run(TrainState& state, const RunIdentity& run) {
  state.kind = run.kind.name;
  state.configuration = run.configuration;
  state.metadata[data_entry] = run.data;
  state.metadata[instructions_entry] = instruction_set();
  state.metadata[precision_entry] = products_of(run);
}

}  // namespace ditharos::training
