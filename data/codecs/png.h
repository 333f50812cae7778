#pragma once
// PNG images to and from tensors, through libpng.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// The header of a PNG.
struct PngInfo {
  int64_t width = 0, height = 0;
  bool color = false;  ///< holds colours (RGB or a palette), not gray alone
};

/// The largest image that is read or written, in pixels on a side.
inline constexpr int64_t max_png_side = int64_t{1} << 15;
/// The largest image that is written, in pixels; for reading it is the caller's choice (max_pixels).
inline constexpr int64_t max_png_pixels = int64_t{1} << 26;

/// Reads the header only. `name` stands in messages. IoError when it is no PNG, its header is damaged, a chunk claims
/// more bytes than the file has, or it announces more than `max_pixels` pixels.
[[nodiscard]] PngInfo png_info(std::string_view bytes, const std::string& name,
                               int64_t max_pixels = default_max_pixels);

/// A PNG of any bit depth and colour type as u8 [channels, H, W], channels 1 (gray), 3 (RGB) or 4 (RGB and opacity).
/// 16 bits are rounded to 8; without opacity, what is transparent shows white; colours become gray by ITU-R BT.601's
/// luma, 0.299 R + 0.587 G + 0.114 B. Samples are taken as stored: gamma and colour profiles are not applied. IoError
/// with `name` and the reason when it is damaged or has more than `max_pixels` pixels.
Tensor decode_png(std::string_view bytes, int64_t channels, const std::string& name,
                  int64_t max_pixels = default_max_pixels);
/// u8 [1, H, W] as gray or [3, H, W] as RGB, eight bits. `name` stands in messages.
[[nodiscard]] std::string encode_png(const Tensor& image, const std::string& name);

/// The same from and to a file. Writing is atomic: after a failure the old file is still there.
Tensor read_png(const std::string& path, int64_t channels, int64_t max_pixels = default_max_pixels);
void write_png(const std::string& path, const Tensor& image);
/// The bytes of a PNG file; IoError when it is missing, unreadable or longer than an image of `max_pixels` can be.
[[nodiscard]] std::string read_png_file(const std::string& path, int64_t max_pixels = default_max_pixels);

}  // namespace ditharos::data
