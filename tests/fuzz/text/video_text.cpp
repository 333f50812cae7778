#include "examples/by_hand/frames.h"
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// A video of sora_by_hand in text.
void fuzz_video_text(std::string_view bytes) {
  const Tensor frames = by_hand::parse_frames(std::string(bytes), "a.txt");
  demand(frames.rank() == 4 && frames.numel() > 0, "frames");
  for (const double pixel : frames.to_vector<double>()) demand(pixel >= 0 && pixel <= 1, "a pixel from 0 to 1");
}

}  // namespace ditharos::tests
