#include "examples/common/dit_checkpoint.h"

#include <charconv>

#include <ditharos/nn/module.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/training/model_size.h>
#include "examples/cli/run_reporter.h"

namespace ditharos::examples {
namespace {

int64_t number(const std::string& path, const training::TrainState& state, const char* key) {
  const auto it = state.metadata.find(key);
  int64_t value = -1;
  if (it != state.metadata.end()) std::from_chars(it->second.data(), it->second.data() + it->second.size(), value);
  check<IoError>(value >= 0, "\"", path, "\" does not say the ", key, " of its pictures");
  return value;
}

}  // namespace

training::CheckpointKind dit_kind() {
  training::OutputSettings output;
  models::SamplerConfig sampler;
  Settings settings("", "");
  describe_output(settings, output);
  describe_sampling(settings, sampler);
  training::CheckpointKind kind{"dit", "a DiT", keys_of(settings)};
  kind.may_change.insert("steps");
  return kind;
}

void describe_checkpoint(training::TrainState& state, const std::string& configuration, const DiTRun& run,
                         const std::vector<std::string>& class_names) {
  state.kind = dit_kind().name;
  state.configuration = configuration;
  state.metadata["height"] = std::to_string(run.model.height);
  state.metadata["width"] = std::to_string(run.model.width);
  state.metadata["channels"] = std::to_string(run.model.channels);
  state.metadata["classes"] = std::to_string(run.model.classes);
  for (size_t i = 0; i < class_names.size(); ++i) state.metadata["class " + std::to_string(i)] = class_names[i];
}

TrainedDiT load_dit(const std::string& path, bool averaged) {
  RunReporter reporter;
  const training::LatestCheckpoint found = open_checkpoint(path, dit_kind(), reporter);
  const training::TrainState& state = *found.state;
  DiTRun run;
  Settings settings("", "");
  describe(settings, run);
  settings.read(state.configuration, found.path);
  run.model.height = number(found.path, state, "height");
  run.model.width = number(found.path, state, "width");
  run.model.channels = number(found.path, state, "channels");
  run.model.classes = number(found.path, state, "classes");
  settle(run);
  const nn::NamedTensors& tensors = averaged && !state.ema.empty() ? state.ema : state.model;
  training::check_model_size(found.path, tensors, models::count_parameters(run.model).total);
  Generator rng(0);
  models::DiT model(run.model, rng);
  nn::load_state_dict(model, tensors);
  nn::set_training(model, false);
  std::vector<std::string> names;
  for (int64_t i = 0; i < run.model.classes; ++i) {
    const auto it = state.metadata.find("class " + std::to_string(i));
    names.push_back(it == state.metadata.end() ? std::to_string(i) : it->second);
  }
  return {run, std::move(model), names, state.step, found.path};
}

}  // namespace ditharos::examples
