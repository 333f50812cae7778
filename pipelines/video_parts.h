#pragma once
// The parts of a video model besides its transformer, tokenizer and autoencoder, and their form in files.
#include <map>
#include <optional>
#include <string>

#include <ditharos/data/text/tokenizer.h>
#include <ditharos/models/autoencoder/autoencoder.h>
#include <ditharos/models/dit/latent_dit.h>
#include <ditharos/pipelines/load_options.h>
#include <ditharos/training/checkpoint/checkpoint.h>

namespace ditharos::pipelines {

/// TrainState::kind of the checkpoints.
inline constexpr const char* video_checkpoint_kind = "video";
inline constexpr const char* autoencoder_checkpoint_kind = "video-autoencoder";

struct VideoParts {
  data::Tokenizer tokenizer;
  std::optional<models::AutoencoderConfig> autoencoder;  ///< none: the model works on pixels
  /// The text that describes the autoencoder in files; empty without one. Pass it on unchanged.
  std::string autoencoder_description;
};
/// The parts that a checkpoint of train_video or an export describes, by its metadata. IoError or ConfigError naming
/// `path` for damaged metadata.
[[nodiscard]] VideoParts read_video_parts(const std::map<std::string, std::string>& metadata, const std::string& path);
/// Writes kind and parts into a state that a trainer captured. The state's configuration is the training program's.
void describe_video_checkpoint(training::TrainState& state, const VideoParts& parts);

/// The configuration of a transformer, completed with channels and vocabulary from its parts.
[[nodiscard]] models::DiTConfig fitted(models::DiTConfig config, const VideoParts& parts);
/// The whole model, with random weights from `seed` and this autoencoder; null: one with random weights, where the
/// parts have one at all.
[[nodiscard]] models::LatentDiT build_video_model(const models::DiTConfig& config, const VideoParts& parts,
                                                  uint64_t seed, const models::Autoencoder* autoencoder = nullptr);

/// An autoencoder that train_autoencoder trained.
struct TrainedAutoencoder {
  models::Autoencoder model;  ///< in evaluation mode
  models::AutoencoderConfig config;
  std::string description;  ///< for VideoParts
  int64_t step = 0;         ///< of the training
  std::string path;         ///< the file that it came from
};
/// An autoencoder from a checkpoint file or a run folder; IoError or ConfigError naming it when there is none, or when
/// it is damaged or of another kind of model.
[[nodiscard]] TrainedAutoencoder load_autoencoder(const std::string& path, const LoadOptions& options = {});

}  // namespace ditharos::pipelines
