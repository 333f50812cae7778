#include <ditharos/data/codecs/video/video_formats.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/view.h>

#include <ditharos/data/image/resize.h>

namespace ditharos::data {

void check_announced_size(const std::string& name, int64_t frames, int64_t height, int64_t width, int64_t max_pixels) {
  check<IoError>(height > 0 && width > 0, "cannot read ", name, ": its images have ", width, " x ", height, " pixels");
  check<IoError>(height <= max_clip_side && width <= max_clip_side, "cannot read ", name, ": its images have ", width,
                 " x ", height, " pixels, more than ", max_clip_side, " on a side");
  check<IoError>(frames <= max_clip_frames, "cannot read ", name, ": it has ", frames, " or more frames, and at most ",
                 max_clip_frames, " are read");
  check_pixels(name, frames, height, width, max_pixels);
}

std::string after_frame(int64_t whole_frames) {
  return whole_frames > 0 ? "after frame " + std::to_string(whole_frames) : "before the end of its first frame";
}

Tensor square_pixels(const Tensor& frames, double aspect, const std::string& name, int64_t max_pixels) {
  constexpr double most = 16;
  check<IoError>(aspect >= 1 / most && aspect <= most, "cannot read ", name, ": it says that its pixels are ", aspect,
                 " times as wide as high, which no display shows");
  const int64_t count = frames.size(0);
  const auto stretched = [](int64_t size, double factor) {
    return std::max(size, static_cast<int64_t>(std::llround(static_cast<double>(size) * factor)));
  };
  const int64_t height = stretched(frames.size(2), 1 / aspect), width = stretched(frames.size(3), aspect);
  if (height == frames.size(2) && width == frames.size(3)) return frames;
  check_announced_size(name, count, height, width, max_pixels);
  Tensor square({count, 3, height, width}, DType::u8);
  const int64_t frame_size = 3 * height * width;
  for (int64_t f = 0; f < count; ++f) {
    const Tensor frame = stretch(frames.select(0, f), height, width);
    std::memcpy(square.mutable_data<uint8_t>() + f * frame_size, frame.data<uint8_t>(),
                static_cast<size_t>(frame_size));
  }
  return square;
}

FrameList::FrameList(const std::string& name, int64_t frames, int64_t height, int64_t width, int64_t max_pixels)
    : name_(name) {
  check_announced_size(name, frames, height, width, max_pixels);
  frames_ = Tensor({frames, 3, height, width}, DType::u8);
}

uint8_t* FrameList::add() {
  check<Error>(count_ < frames_.size(0), "[FrameList] ", name_, " has more than ", frames_.size(0), " frames");
  return frames_.mutable_data<uint8_t>() + count_++ * 3 * frames_.size(2) * frames_.size(3);
}

Tensor FrameList::take() const {
  check<IoError>(count_ > 0, "cannot read ", name_, ": it has no frame");
  return kernels::contiguous(views::slice(frames_, 0, 0, count_, 1));
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
