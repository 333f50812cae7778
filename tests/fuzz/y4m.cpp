#include <ditharos/data/codecs/video/y4m.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

void fuzz_y4m(std::string_view bytes) {
  const data::VideoFrames clip = data::decode_y4m(bytes, "a", fuzz_pixels);
  const int64_t bytes_of_frames = clip.frames.numel();
  demand(clip.frames.rank() == 4 && bytes_of_frames > 0 && bytes_of_frames <= 3 * fuzz_pixels,
         "frames within the limit");
  demand(clip.fps > 0, "a positive rate");
}

}  // namespace ditharos::tests
