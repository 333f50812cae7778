#include <ditharos/data/codecs/image_file.h>
#include <ditharos/data/codecs/video/webp.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {
namespace {

void decode_clip(std::string_view bytes) {
  const data::VideoFrames clip = data::decode_webp(bytes, "a", fuzz_pixels);
  const int64_t bytes_of_frames = clip.frames.numel();
  demand(clip.frames.rank() == 4 && bytes_of_frames > 0 && bytes_of_frames <= 3 * fuzz_pixels,
         "frames within the limit");
  demand(clip.fps > 0, "a positive rate");
}

void decode_still(std::string_view bytes) {
  const data::ImageInfo info = data::image_info(bytes, "a", {.max_pixels = fuzz_pixels});
  const Tensor image = data::decode_image(bytes, 3, "a", {.max_pixels = fuzz_pixels});
  demand(image.shape() == Shape{3, info.height, info.width}, "the size that the header says");
}

}  // namespace

void fuzz_webp(std::string_view bytes) {
  fuzz_one(decode_clip, bytes);
  decode_still(bytes);
}

}  // namespace ditharos::tests
