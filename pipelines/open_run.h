#pragma once
// Internal to pipelines/.
// The checkpoint of a trained model of one kind.
#include <string>

#include <ditharos/pipelines/load_options.h>
#include <ditharos/training/run/resume.h>

namespace ditharos::pipelines {

/// training::open_checkpoint; `model` is the name of the kind in messages: "a DiT".
inline training::LatestCheckpoint open_run(const std::string& path, const std::string& kind, const std::string& model,
                                           const LoadOptions& options) {
  return training::open_checkpoint(path, {kind, model}, options.reporter ? *options.reporter : training::silent());
}

/// The averaged or the last weights, as the options say.
inline const nn::NamedTensors& weights_of(const training::TrainState& state, const LoadOptions& options) {
  return options.averaged && !state.ema.empty() ? state.ema : state.model;
}

}  // namespace ditharos::pipelines
