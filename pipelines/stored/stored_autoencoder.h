#pragma once
// The autoencoder of an image model's latents: loaded from a run or from published weights, described in a checkpoint.
#include <cstdint>
#include <string>

#include <ditharos/models/autoencoder/autoencoder.h>
#include <ditharos/pipelines/load_options.h>

namespace ditharos::pipelines {

/// An autoencoder as a checkpoint describes it.
struct AutoencoderArchitecture {
  models::AutoencoderConfig trained = {};      ///< of train_autoencoder
  models::AutoencoderKLConfig published = {};  ///< of published weights
  bool is_published = false;

  /// Elements of the autoencoder, parameters and buffers, without building it.
  [[nodiscard]] int64_t elements() const;
  /// With random weights.
  [[nodiscard]] models::Autoencoder build() const;
  /// Throws ConfigError with one sentence that says what does not fit.
  void validate() const;
};
/// Parses the description of ImageParts: the configuration of train_autoencoder (TOML), or the settings of a published
/// AutoencoderKL as diffusers names them (JSON). ConfigError or IoError naming `path`.
[[nodiscard]] AutoencoderArchitecture read_autoencoder_architecture(const std::string& description,
                                                                    const std::string& path);

struct LoadedAutoencoder {
  models::Autoencoder model;  ///< in evaluation mode
  std::string description;    ///< for ImageParts
  std::string path;           ///< the file that it came from
};
/// A run folder or a checkpoint (.ckpt) of train_autoencoder, or the weights of an AutoencoderKL: a file in any format
/// of load_weights, with config.json of diffusers beside it or not, or the folder of both. ConfigError or IoError
/// naming `path` for anything else.
[[nodiscard]] LoadedAutoencoder load_image_autoencoder(const std::string& path, const LoadOptions& options = {});

}  // namespace ditharos::pipelines
