#pragma once
// The limit of the pixels that are decoded from one file. A compressed file of a few bytes can hold billions of pixels;
// without a limit it would decide how much memory is allocated.
#include <cstdint>
#include <string>

namespace ditharos::data {

/// The most pixels, all frames together, that a reader decodes from one file unless its caller allows more: an image of
/// 8192 x 4096, or five seconds of 480 x 480 at 29 frames per second. Decoding takes up to eleven bytes per pixel.
inline constexpr int64_t default_max_pixels = int64_t{1} << 25;

/// IoError "cannot read NAME: ...", with what would be right, unless frames x height x width, none of them negative, is
/// at most max_pixels.
void check_pixels(const std::string& name, int64_t frames, int64_t height, int64_t width, int64_t max_pixels);

/// More bytes than an image file of so many pixels has: even stored without compression it has at most eight bytes a
/// pixel, and a little for rows, chunks and texts.
[[nodiscard]] uint64_t most_image_bytes(int64_t max_pixels);

}  // namespace ditharos::data
