#include <cmath>
#include <filesystem>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/video_file.h>
#include <ditharos/tensor/factory.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {

/// The bytes as fps.txt beside the frames of a clip.
void fuzz_frame_rate(std::string_view bytes) {
  const std::string folder = file_with("fps.txt", bytes);
  const std::filesystem::path clip = std::filesystem::path(folder).parent_path() / "clip";
  std::filesystem::create_directories(clip);
  static const bool written = [&] {
    data::write_png((clip / "0.png").string(), zeros({1, 2, 2}, DType::u8));
    return true;
  }();
  demand(written, "a frame");
  std::filesystem::copy_file(folder, clip / "fps.txt", std::filesystem::copy_options::overwrite_existing);
  const data::VideoFrames frames = data::read_clip(clip.string());
  demand(std::isfinite(frames.fps) && frames.fps > 0, "a positive rate");
}

}  // namespace ditharos::tests
