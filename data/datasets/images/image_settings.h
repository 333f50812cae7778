#pragma once
// How image files become samples, as a program's settings and a checkpoint's configuration have it.
#include <string>

#include <ditharos/data/datasets/images/image_files.h>

namespace ditharos::data {

struct ImageSettings {
  std::string size = "";  ///< "64x48": height x width; "64": both; "": as the files are
  Fit fit = Fit::crop;
  Resample resample = Resample::area;
  std::string background = "white";  ///< as parse_color takes it
  OnDamaged on_damaged = OnDamaged::stop;
  bool coarse_labels = false;  ///< of CIFAR-100
  friend bool operator==(const ImageSettings&, const ImageSettings&) = default;
};

/// The options with these settings and the defaults of all others. ConfigError that describes the format of a text.
[[nodiscard]] ImageFilesOptions to_options(const ImageSettings& settings);

}  // namespace ditharos::data
