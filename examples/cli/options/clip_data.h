#pragma once
// What train_autoencoder and train_video train on: clips, images as clips of one frame, or latents of clips.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ditharos/data/loading/loader.h>
#include <ditharos/models/dit/latent_dit.h>
#include "examples/cli/options/autoencoder_settings.h"
#include "examples/cli/options/image_options.h"

namespace ditharos::examples {

/// The samples of train_autoencoder.
struct AutoencoderData {
  std::shared_ptr<const data::DataSource> training, held_out;
  std::vector<data::Bucket> buckets;  ///< one for images, of their size
  data::SampleShape held_out_shape;
};
/// Opens clips or images and prints notes on the training split. ConfigError where `data` is neither, or the
/// autoencoder cannot encode them.
[[nodiscard]] AutoencoderData open_autoencoder_data(const AutoencoderSettings& run, const ImageLimits& limits);

/// Where the samples of train_video come from, apart from the settings.
struct ClipReading {
  std::string cache;             ///< the folder of --cache; empty: none
  int64_t latent_memory = 1024;  ///< MiB of latents that are kept in memory
  bool writes_nothing = false;   ///< into the cache; what would be written is printed
};
/// Adds --cache and --latent-memory to the options of the command line.
void describe(Settings& settings, ClipReading& reading);

/// A source and the shapes and sizes of its batches.
struct BucketedSource {
  std::shared_ptr<const data::DataSource> source;
  std::vector<data::Bucket> buckets;
};
/// What a loader reads for the transformer: the clips themselves, or their latents, in the shapes of `clips.buckets`.
/// Each clip is decoded and resized once, and encoded once, in each shape, where the cache or the memory has room.
/// `model` must outlive the result.
[[nodiscard]] BucketedSource training_samples(const BucketedSource& clips, const models::LatentDiT& model,
                                              const ClipReading& reading);

}  // namespace ditharos::examples
