#pragma once
// Shapes of clips and sizes of frames as text.
#include <string>
#include <vector>

#include <ditharos/data/datasets/data_source.h>

namespace ditharos::data {

/// "8x32x48": frames, height, width. ConfigError that describes the format; `what` names the setting.
[[nodiscard]] SampleShape parse_clip_shape(const std::string& text, const std::string& what);
/// A comma-separated list of them: "8x32x32, 16x32x48".
[[nodiscard]] std::vector<SampleShape> parse_clip_shapes(const std::string& list, const std::string& what);

struct FrameSize {
  int64_t height, width;
};
/// "32x48": height, width.
[[nodiscard]] FrameSize parse_frame_size(const std::string& text, const std::string& what);

}  // namespace ditharos::data
