#pragma once
// A video model in a file: the checkpoint of a run, or the compact export that is made for passing on. Either is enough
// to sample: it holds the transformer, the autoencoder, the tokenizer and the configuration.
#include <string>

#include "examples/common/autoencoder_run.h"
#include "examples/common/video_run.h"

namespace ditharos::examples {

/// What checkpoints of train_video are.
training::CheckpointKind video_kind();

/// The parts of a model that are not tensors.
struct VideoDescription {
  std::string configuration;              ///< of train_video, as text
  std::string autoencoder_configuration;  ///< of train_autoencoder; empty for a model of pixels
  std::string tokenizer;                  ///< as text
};
/// Puts them, and the kind, into a state that a trainer captured; and the way back. IoError when a part is missing.
void describe_checkpoint(training::TrainState& state, const VideoDescription& description);
VideoDescription description_of(const std::string& path, const std::map<std::string, std::string>& metadata);

/// The autoencoder that a configuration describes, with random weights.
std::optional<models::VideoAutoencoder> build_autoencoder(const std::string& configuration, const std::string& source);
/// The whole model, with random weights from `seed` and this autoencoder. Fills in patch, channels and vocabulary
/// in `run`.
models::LatentVideo build_model(VideoRun& run, const std::optional<models::VideoAutoencoder>& autoencoder,
                                const data::Tokenizer& tokenizer, uint64_t seed);

struct TrainedVideo {
  VideoRun run;
  models::LatentVideo model;  ///< in evaluation mode, with the averaged weights
  data::Tokenizer tokenizer;
  VideoDescription description;
  int64_t step = 0;
  std::string path;  ///< the file it came from
};
/// A model from a run folder, a checkpoint file or an export; IoError or ConfigError naming it when there is none, or
/// when it is damaged or of another kind. `averaged` false: a checkpoint's last weights, not their moving average.
TrainedVideo load_video(const std::string& path, bool averaged = true);
/// ConfigError unless `path` has the ending of an export, IoError unless a file can be written there.
void check_export_path(const std::string& path);
/// Writes the averaged weights and all else that sampling needs as one safetensors file: the transformer in bf16, the
/// autoencoder, on whose precision every pixel hangs, in f32. Returns its size in bytes.
int64_t export_video(const std::string& path, TrainedVideo& trained);

}  // namespace ditharos::examples
