#pragma once
// A set of captioned clips by name or by directory.
#include <memory>
#include <string>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/data/datasets/data_source.h>

namespace ditharos::data {

enum class ClipUse { training, evaluation };

/// "moving-garments": garments over skies; clips for evaluation have images of the test split and held-out combinations
/// of object and motion. "moving-emoji": the same with emoji. Otherwise a folder for VideoFolder, whose test split is
/// used for evaluation, with at most `max_pixels` pixels per video. ConfigError or IoError when there is no such data.
[[nodiscard]] std::shared_ptr<const DataSource> open_clips(const std::string& data, ClipUse use,
                                                           int64_t max_pixels = default_max_pixels);

/// True when `data` is one of these names or such a folder. A folder whose list names a still image first is a set of
/// images (open.h). IoError for a list that cannot be read.
[[nodiscard]] bool is_clips(const std::string& data);

/// True for "moving-garments", whose captions evaluate_video can read.
[[nodiscard]] bool is_moving_garments(const std::string& data);

}  // namespace ditharos::data
