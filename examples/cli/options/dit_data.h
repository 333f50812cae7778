#pragma once
// What train_dit trains on: images, or their latents.
#include <memory>
#include <optional>
#include <string>

#include <ditharos/models/dit/latent_dit.h>
#include <ditharos/training/run/reporter.h>
#include "examples/cli/options/dit_settings.h"
#include "examples/cli/options/image_options.h"

namespace ditharos::examples {

/// Where samples come from, apart from the settings.
struct DataOptions {
  ImageLimits limits;
  std::string cache;            ///< the folder of --cache; empty: none
  bool writes_nothing = false;  ///< into the cache; what would be written is printed
};

/// The images of the training split. A model of pixels reads them from the cache, if there is one.
[[nodiscard]] std::shared_ptr<const data::DataSource> training_images(const DiTSettings& run,
                                                                      const DataOptions& options);

struct ImageModelParts {
  pipelines::ImageParts parts;
  std::optional<models::Autoencoder> autoencoder;  ///< none: the model works on pixels
};
/// Those of the state that the run resumes, where restoring it fills in the autoencoder's weights, else new ones. A
/// note says where the autoencoder is from. ConfigError where state and settings contradict each other.
[[nodiscard]] ImageModelParts image_parts(const DiTSettings& run, const data::DataSource& images,
                                          const std::optional<training::TrainState>& state, const std::string& folder,
                                          training::Reporter& reporter);

/// What the transformer is trained on: the images themselves, or their latents, each encoded once and kept in memory or
/// in the cache.
[[nodiscard]] std::shared_ptr<const data::DataSource> training_samples(
    const std::shared_ptr<const data::DataSource>& images, const models::LatentDiT& model, const DiTSettings& run,
    const DataOptions& options);
/// The same of the test split, for validations, with the channels and the size of the training images.
[[nodiscard]] std::shared_ptr<const data::DataSource> held_out_samples(const data::DataSource& training_images,
                                                                       const models::LatentDiT& model,
                                                                       const DiTSettings& run,
                                                                       const DataOptions& options);

/// "18 images of 8x16x3 in 2 classes", with the size of the latents if they have one.
[[nodiscard]] std::string describe_data(const data::DataSource& images, const DiTSettings& run,
                                        const pipelines::ImageParts& parts);

}  // namespace ditharos::examples
