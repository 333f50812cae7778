#pragma once
// The configuration that a checkpoint or an export holds, as the training programs write it: TOML text. Read here, and
// nowhere else in the library, into the structs that describe a model.
#include <string>

#include <ditharos/pipelines/image_config.h>
#include <ditharos/pipelines/video_config.h>

namespace ditharos::pipelines {

/// The configuration of an image model and the data that it was trained on. Height, width, channels and classes are not
/// in it: they are the data's, and stand beside it in a checkpoint.
struct StoredImageModel {
  std::string data = "shapes";  ///< as data::open_dataset takes it
  ImageModelConfig config;
  friend bool operator==(const StoredImageModel&, const StoredImageModel&) = default;
};

/// Settings that are missing keep their defaults; those of the training alone are passed over. ConfigError
/// "source:line:column: ..." for text that is malformed, a key that no training program writes, and a value of another
/// type or out of range. Whether a model of this configuration can be built is for the configurations' validate().
[[nodiscard]] StoredImageModel read_image_model(const std::string& text, const std::string& source);
[[nodiscard]] VideoModelConfig read_video_model(const std::string& text, const std::string& source);
[[nodiscard]] AutoencoderConfig read_autoencoder(const std::string& text, const std::string& source);

}  // namespace ditharos::pipelines
