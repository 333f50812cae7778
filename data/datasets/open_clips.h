#pragma once
// A set of captioned clips by name or by directory.
#include <memory>
#include <string>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/data/datasets/data_source.h>

namespace ditharos::data {

enum class ClipUse { training, evaluation };

/// "moving-garments": garments over skies; those for evaluation are of test images in combinations of object and motion
/// that training never shows. "moving-emoji": the same with emoji. Else a folder as VideoFolder takes it, whose test
/// part serves for evaluation; `max_pixels` of a video at most. ConfigError or IoError when there is no such data.
[[nodiscard]] std::shared_ptr<const DataSource> open_clips(const std::string& data, ClipUse use,
                                                           int64_t max_pixels = default_max_pixels);

/// True for "moving-garments", whose captions evaluate_video can read.
[[nodiscard]] bool is_moving_garments(const std::string& data);

}  // namespace ditharos::data
