#pragma once
// Small gray videos: from text, and made.
#include <string>

#include <ditharos/tensor/tensor.h>

namespace ditharos::by_hand {

/// Frames from text: a row of pixels a line, numbers from 0 (black) to 1 (white) between blanks or commas, an empty
/// line between two frames, # before a comment. [F, 1, H, W] in f64. IoError naming `name` and the line for anything
/// else: no frame at all, rows or frames of unequal size, what is no number.
Tensor parse_frames(const std::string& text, const std::string& name);
/// The same from a file of at most a megabyte.
Tensor read_frames(const std::string& path);

/// A dot that goes one pixel to the right and, at every other frame, one down, and comes in again on the other side:
/// [frames, 1, height, width] in f64.
Tensor moving_dot(int64_t frames, int64_t height, int64_t width);

/// Writes videos [F, 1, H, W] of one shape as one PNG, a row a video with its label; pixels are enlarged.
void write_strip(const std::string& path, const std::vector<Tensor>& videos, const std::vector<std::string>& labels);
/// Writes one video in a format that moves, by the ending of the name (data/codecs/video_file.h); pixels are enlarged.
void write_moving(const std::string& path, const Tensor& video);

}  // namespace ditharos::by_hand
