#pragma once
// Internal to data/.
// Still WebP images, through libwebp. Clips are read by video/webp.h.
#include <cstdint>
#include <string>
#include <string_view>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// The size of a WebP, of whose bytes only the header is read. IoError with `name` and the reason when it is none, is
/// cut off, is an animation, or has more than `max_pixels` pixels.
struct WebpInfo {
  int64_t width = 0, height = 0;
};
[[nodiscard]] WebpInfo webp_info(std::string_view bytes, const std::string& name,
                                 int64_t max_pixels = default_max_pixels);
/// True for the bytes, or the header, of a WebP file that is an animation.
[[nodiscard]] bool is_webp_animation(std::string_view bytes);
/// u8 [4, H, W]: red, green, blue and opacity.
Tensor decode_webp_image(std::string_view bytes, const std::string& name, int64_t max_pixels = default_max_pixels);

}  // namespace ditharos::data
