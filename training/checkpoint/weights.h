#pragma once
// The weights in checkpoints: their mean over several, and their export as safetensors.
#include <string>
#include <vector>

#include <ditharos/training/checkpoint/checkpoint.h>

namespace ditharos::training {

/// The mean of each floating-point tensor of the model and of its moving average over the checkpoints, computed in f64
/// and rounded once to the tensor's dtype. Other tensors must be equal in all. Everything else is that of the last
/// checkpoint, save the optimiser's state, which has no mean: the result can be sampled from, but not resumed. One
/// checkpoint at a time is in memory. ConfigError for fewer than two paths or for different kinds, ShapeError for
/// different tensors, IoError for a file that cannot be read.
[[nodiscard]] TrainState average_checkpoints(const std::vector<std::string>& paths);

/// Which weights of a checkpoint to export.
enum class Weights {
  model,
  ema,  ///< their moving average
  both  ///< as "model.NAME" and "ema.NAME"
};

/// Writes weights under their names to the .safetensors file `path`, whole or not at all, with kind, step and
/// configuration as metadata. ConfigError when the state has none of those that are asked for; `source` names it.
void export_weights(const std::string& path, const TrainState& state, Weights weights, const std::string& source);

}  // namespace ditharos::training
