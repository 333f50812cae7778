#include <ditharos/data/codecs/pixel_limit.h>

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

}  // namespace ditharos::data
