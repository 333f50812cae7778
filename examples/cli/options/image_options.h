#pragma once
// The settings by which programs read images, and the reading itself.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ditharos/data/datasets/images/image_settings.h>
#include <ditharos/data/datasets/open.h>
#include "examples/cli/settings.h"

namespace ditharos::examples {

/// Adds a row to `section` for each field of `images`.
void describe_images(Settings::Section section, data::ImageSettings& images);
/// Declares which rows of describe_images are for some formats of data alone; `data` gives the setting.
void describe_formats(Settings& settings, const std::function<std::string()>& data);
/// Adds --image-memory, in MiB, to the options of the command line.
void describe_image_memory(Settings& settings, int64_t& mebibytes);

/// How much is read.
struct ImageLimits {
  int64_t max_pixels = data::default_max_pixels;   ///< of one file
  int64_t memory = 1024;                           ///< MiB of samples of image files that are kept in memory
  bool mixed_sizes = false;                        ///< without a size, images may differ in theirs
  std::vector<data::ImageSelection> earlier = {};  ///< see ImageFilesOptions
  /// Another part of the set, whose channels and size the samples get; null: their own.
  const data::DataSource* like = nullptr;
};
/// open_images with a progress bar for large sets. ConfigError for data that do not exist, and for images in memory of
/// other channels than `like`.
data::OpenedImages scan_images(const std::string& data, data::Split split, const data::ImageSettings& images,
                               const ImageLimits& limits);
/// The same; prints the notes, and which files were left out.
data::OpenedImages read_images(const std::string& data, data::Split split, const data::ImageSettings& images,
                               const ImageLimits& limits);

/// ConfigError, with a size that fits, unless an autoencoder of these strides encodes images of this shape.
void check_strides(const data::SampleShape& images, int64_t stride, int64_t time_stride);

}  // namespace ditharos::examples
