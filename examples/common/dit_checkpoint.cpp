#include <ditharos/examples/common/dit_checkpoint.h>

#include <charconv>
#include <filesystem>
#include <map>
#include <sstream>

#include <ditharos/nn/module.h>

namespace ditharos::examples {
namespace {

constexpr const char* kind = "dit";

/// "key = value" lines of a configuration that Settings wrote; its keys are unique across sections.
std::map<std::string, std::string> values_of(const std::string& toml) {
  std::map<std::string, std::string> values;
  std::istringstream lines(toml);
  for (std::string line; std::getline(lines, line);)
    if (const size_t at = line.find(" = "); at != std::string::npos) values[line.substr(0, at)] = line.substr(at + 3);
  return values;
}

/// Settings that may differ between a run and its continuation: nothing that is stored depends on them.
bool may_change(const std::string& key) {
  static const Settings settings = [] {
    static DiTRun::Output output;
    static models::SamplerConfig sampler;
    Settings free_settings("", "");
    describe_output(free_settings, output);
    describe_sampling(free_settings, sampler);
    return free_settings;
  }();
  static const auto free_keys = values_of(settings.to_toml());
  return key == "steps" || free_keys.count(key) > 0;
}

int64_t number(const std::string& path, const optim::TrainState& state, const char* key) {
  const auto it = state.metadata.find(key);
  int64_t value = -1;
  if (it != state.metadata.end()) std::from_chars(it->second.data(), it->second.data() + it->second.size(), value);
  check<IoError>(value >= 0, "\"", path, "\" does not say the ", key, " of its pictures");
  return value;
}

}  // namespace

void describe_checkpoint(optim::TrainState& state, const std::string& configuration, const DiTRun& run,
                         const std::vector<std::string>& class_names) {
  state.kind = kind;
  state.configuration = configuration;
  state.metadata["height"] = std::to_string(run.model.height);
  state.metadata["width"] = std::to_string(run.model.width);
  state.metadata["channels"] = std::to_string(run.model.channels);
  state.metadata["classes"] = std::to_string(run.model.classes);
  for (size_t i = 0; i < class_names.size(); ++i) state.metadata["class " + std::to_string(i)] = class_names[i];
}

void check_same_run(const std::string& path, const optim::TrainState& state, const std::string& configuration) {
  check<ConfigError>(state.kind == kind, "\"", path, "\" holds a model of kind \"", state.kind, "\", not a DiT");
  const auto then = values_of(state.configuration), now = values_of(configuration);
  std::string differences;
  for (const auto& [key, value] : now) {
    const auto it = then.find(key);
    if (may_change(key) || (it != then.end() && it->second == value)) continue;
    differences += (differences.empty() ? "" : ", ") + key + " = " + value + " instead of " +
                   (it == then.end() ? "nothing" : it->second);
  }
  check<ConfigError>(differences.empty(), "cannot go on from \"", path, "\" with other settings: ", differences,
                     "; keep them, or choose another --out");
}

optim::LatestCheckpoint open_checkpoint(const std::string& path) {
  namespace fs = std::filesystem;
  if (fs::is_directory(path)) {
    const fs::path inner = fs::path(path) / checkpoint_folder;
    return optim::latest_valid(fs::is_directory(inner) ? inner.string() : path);
  }
  return {.path = path, .state = optim::load_checkpoint(path), .rejected = {}};
}

TrainedDiT load_dit(const std::string& path, bool averaged) {
  const optim::LatestCheckpoint found = open_checkpoint(path);
  check<IoError>(found.state.has_value(), "there is no usable checkpoint in \"", path, "\"",
                 found.rejected.empty() ? "" : ": " + found.rejected[0]);
  const optim::TrainState& state = *found.state;
  check<ConfigError>(state.kind == kind, "\"", found.path, "\" holds a model of kind \"", state.kind, "\", not a DiT");
  DiTRun run;
  Settings settings("", "");
  describe(settings, run);
  settings.read(state.configuration, found.path);
  run.model.height = number(found.path, state, "height");
  run.model.width = number(found.path, state, "width");
  run.model.channels = number(found.path, state, "channels");
  run.model.classes = number(found.path, state, "classes");
  settle(run);
  Generator rng(0);
  models::DiT model(run.model, rng);
  nn::load_state_dict(model, averaged && !state.ema.empty() ? state.ema : state.model);
  nn::set_training(model, false);
  std::vector<std::string> names;
  for (int64_t i = 0; i < run.model.classes; ++i) {
    const auto it = state.metadata.find("class " + std::to_string(i));
    names.push_back(it == state.metadata.end() ? std::to_string(i) : it->second);
  }
  return {run, model, names, state.step, found.path};
}

}  // namespace ditharos::examples
