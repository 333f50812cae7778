#pragma once
// Small gray videos: from text, and synthetic.
#include <string>

#include <ditharos/tensor/tensor.h>

namespace ditharos::by_hand {

/// Frames from text: one row of pixels per line, numbers from 0 (black) to 1 (white) separated by blanks or commas, an
/// empty line between two frames, # before a comment. [F, 1, H, W] in f64. IoError naming `name` and the line for
/// anything else: no frame at all, rows or frames of unequal size, text that is no number.
Tensor parse_frames(const std::string& text, const std::string& name);
/// The same from a file of at most a megabyte.
Tensor read_frames(const std::string& path);

/// A dot that moves one pixel to the right in each frame and one pixel down in every other frame, modulo the frame's
/// size: [frames, 1, height, width] in f64.
Tensor moving_dot(int64_t frames, int64_t height, int64_t width);

/// Writes videos [F, 1, H, W] of one shape as one PNG, one row with a label per video; pixels are enlarged.
void write_strip(const std::string& path, const std::vector<Tensor>& videos, const std::vector<std::string>& labels);
/// Writes one video; the ending of the name gives the format (data/codecs/video/video_file.h). Pixels are enlarged.
void write_moving(const std::string& path, const Tensor& video);

}  // namespace ditharos::by_hand
