#include <ditharos/data/video_formats.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ditharos/data/resize.h>

namespace ditharos::data {

void check_announced_size(const std::string& name, int64_t frames, int64_t height, int64_t width) {
  check<IoError>(height > 0 && width > 0, "cannot read ", name, ": its pictures have ", width, " x ", height,
                 " pixels");
  check<IoError>(height <= max_clip_side && width <= max_clip_side && height * width <= max_frame_pixels,
                 "cannot read ", name, ": its pictures have ", width, " x ", height, " pixels, more than ",
                 max_clip_side, " on a side or ", max_frame_pixels, " in all");
  check<IoError>(frames <= max_clip_frames && frames * height * width <= max_clip_pixels, "cannot read ", name,
                 ": it has ", frames, " or more frames of ", width, " x ", height, " pixels, more than ",
                 max_clip_frames, " frames or ", max_clip_pixels, " pixels in all of them");
}

std::string after_frame(int64_t whole_frames) {
  return whole_frames > 0 ? "after frame " + std::to_string(whole_frames) : "before the end of its first frame";
}

Tensor square_pixels(const Tensor& frames, double aspect, const std::string& name) {
  constexpr double most = 16;
  check<IoError>(aspect >= 1 / most && aspect <= most, "cannot read ", name, ": it says that its pixels are ", aspect,
                 " times as wide as high, which no display shows");
  const int64_t count = frames.size(0);
  const auto stretched = [](int64_t size, double factor) {
    return std::max(size, static_cast<int64_t>(std::llround(static_cast<double>(size) * factor)));
  };
  const int64_t height = stretched(frames.size(2), 1 / aspect), width = stretched(frames.size(3), aspect);
  if (height == frames.size(2) && width == frames.size(3)) return frames;
  check_announced_size(name, count, height, width);
  Tensor square({count, 3, height, width}, DType::u8);
  const int64_t frame_size = 3 * height * width;
  for (int64_t f = 0; f < count; ++f) {
    const Tensor frame = stretch(frames.select(0, f), height, width);
    std::memcpy(square.mutable_data<uint8_t>() + f * frame_size, frame.data<uint8_t>(),
                static_cast<size_t>(frame_size));
  }
  return square;
}

FrameList::FrameList(std::string name, int64_t height, int64_t width)
    : name_(std::move(name)), height_(height), width_(width) {
  check_announced_size(name_, 1, height, width);
}

uint8_t* FrameList::add() {
  check_announced_size(name_, count_ + 1, height_, width_);
  const size_t old_size = bytes_.size();
  bytes_.resize(old_size + static_cast<size_t>(3 * height_ * width_));
  ++count_;
  return bytes_.data() + old_size;
}

Tensor FrameList::take() const {
  check<IoError>(count_ > 0, "cannot read ", name_, ": it has no frame");
  Tensor frames({count_, 3, height_, width_}, DType::u8);
  std::memcpy(frames.mutable_data<uint8_t>(), bytes_.data(), bytes_.size());
  return frames;
}

Rate rate_of(double fps) {
  for (int64_t denominator = 1; denominator <= 1001; ++denominator) {
    const double numerator = fps * static_cast<double>(denominator);
    if (std::abs(numerator - std::round(numerator)) < 1e-9 * numerator) return {std::llround(numerator), denominator};
  }
  constexpr int64_t fine = 1000000;
  return {std::max<int64_t>(1, std::llround(fps * fine)), fine};
}

int64_t tick_of(int64_t frame, double fps, int64_t ticks_per_second) {
  return std::llround(static_cast<double>(frame * ticks_per_second) / fps);
}

double rate_of_ticks(int64_t frames, int64_t ticks, int64_t ticks_per_second) {
  const double rate = static_cast<double>(frames * ticks_per_second) / static_cast<double>(ticks);
  const double whole = std::round(rate);
  return whole > 0 && tick_of(frames, whole, ticks_per_second) == ticks ? whole : rate;
}

void check_animation_rate(double fps, const std::string& name) {
  constexpr int fastest = 50;
  check<ConfigError>(fps <= fastest, "cannot write ", name, ": GIF and WebP show at most ", fastest,
                     " frames a second (browsers slow down what is faster), got ", fps);
}

int64_t shown_ticks(int64_t delay, int64_t ticks_per_second) {
  return delay * 100 <= ticks_per_second ? ticks_per_second / 10 : delay;
}

}  // namespace ditharos::data
