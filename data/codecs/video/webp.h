#pragma once
// Internal to data/codecs/.
// WebP from and to bytes. `name` is used in messages. Frames are contiguous u8 [F, 3, H, W] of a shape that passes
// check_clip_shape.
#include <string>
#include <string_view>

#include <ditharos/data/codecs/video/video_file.h>

namespace ditharos::data {

VideoFrames decode_webp(std::string_view bytes, const std::string& name, int64_t max_pixels = default_max_pixels);
std::string encode_webp(const VideoFrames& clip, const WriteClipOptions& options, const std::string& name);

}  // namespace ditharos::data
