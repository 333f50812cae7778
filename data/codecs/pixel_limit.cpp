#include <ditharos/data/codecs/pixel_limit.h>

#include <algorithm>

#include <ditharos/tensor/error.h>

namespace ditharos::data {

void check_pixels(const std::string& name, int64_t frames, int64_t height, int64_t width, int64_t max_pixels) {
  int64_t pixels = 0;
  const bool overflow =
      __builtin_mul_overflow(height, width, &pixels) || __builtin_mul_overflow(pixels, frames, &pixels);
  check<IoError>(!overflow && pixels <= max_pixels, "cannot read ", name, ": it has ", frames,
                 frames == 1 ? " image of " : " or more frames of ", width, " x ", height, " pixels, more than the ",
                 max_pixels, " in all that are decoded from one file; raise max_pixels to read it");
}

uint64_t most_image_bytes(int64_t max_pixels) {
  constexpr uint64_t bytes_per_pixel = 10, others = uint64_t{64} << 20;
  return bytes_per_pixel * static_cast<uint64_t>(std::min(max_pixels, int64_t{1} << 50)) + others;
}

}  // namespace ditharos::data
