#pragma once
// The configuration in a checkpoint or an export: TOML text, as the training programs write it. This is the only place
// in the library that parses it into the structs that describe a model.
#include <string>

#include <ditharos/data/datasets/images/image_settings.h>
#include <ditharos/pipelines/image_config.h>
#include <ditharos/pipelines/video_config.h>

namespace ditharos::pipelines {

/// The configuration of an image model and the data that it was trained on. It lacks height, width, channels and
/// classes: these are properties of the data and are stored separately in a checkpoint.
struct StoredImageModel {
  std::string data = "shapes";  ///< as data::open_images takes it
  data::ImageSettings images;   ///< how its files became samples
  ImageModelConfig config;
  friend bool operator==(const StoredImageModel&, const StoredImageModel&) = default;
};

/// Settings that are missing keep their defaults; those that only the training uses are skipped. ConfigError
/// "source:line:column: ..." for text that is malformed, a key that no training program writes, and a value of another
/// type or out of range. Whether a model of this configuration can be built is checked by the configurations'
/// validate().
[[nodiscard]] StoredImageModel read_image_model(const std::string& text, const std::string& source);
[[nodiscard]] VideoModelConfig read_video_model(const std::string& text, const std::string& source);
[[nodiscard]] AutoencoderConfig read_autoencoder(const std::string& text, const std::string& source);

}  // namespace ditharos::pipelines
