#pragma once
// Internal to data/codecs/.
// Functions that the formats of video_file.h share. `name` is used in messages.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ditharos/data/codecs/video/video_file.h>

namespace ditharos::data {

/// IoError "cannot read NAME: ..." when this is more than a clip may have.
void check_announced_size(const std::string& name, int64_t frames, int64_t height, int64_t width, int64_t max_pixels);

/// "after frame 3", or "before the end of its first frame": the position of the damage in a file.
std::string after_frame(int64_t whole_frames);

/// Resamples frames u8 [F, 3, H, W] whose pixels are `aspect` times as wide as high to square pixels: wider frames, or
/// higher ones where the aspect is below 1. Each new pixel is the mean of the old ones that it covers. IoError when the
/// aspect is not between 1/16 and 16 or makes the clip larger than the limits.
Tensor square_pixels(const Tensor& frames, double aspect, const std::string& name, int64_t max_pixels);

/// Frames of one size, collected one after the other.
class FrameList {
 public:
  /// Allocates memory for at most `frames` frames at once; IoError beyond the limits.
  FrameList(const std::string& name, int64_t frames, int64_t height, int64_t width, int64_t max_pixels);
  int64_t size() const { return count_; }
  /// Memory for the next frame, [3, H, W], contents undefined.
  uint8_t* add();
  /// The frames that were added, u8 [F, 3, H, W]; IoError when there are none.
  Tensor take() const;

 private:
  std::string name_;
  Tensor frames_;  // [most frames, 3, H, W]
  int64_t count_ = 0;
};

/// A rate as a fraction with the smallest denominator that gives it to nine digits, as 30000/1001 for 29.97002997.
struct Rate {
  int64_t numerator, denominator;
};
Rate rate_of(double fps);

/// When frame i begins, in ticks: i / fps rounded. Differences of these are delays that never drift.
int64_t tick_of(int64_t frame, double fps, int64_t ticks_per_second);
/// The rate of `frames` frames that take `ticks` ticks together. Whole numbers are preferred: the result is one when
/// tick_of gives the same sum for it.
double rate_of_ticks(int64_t frames, int64_t ticks, int64_t ticks_per_second);
/// ConfigError when a GIF or WebP cannot show frames that fast.
void check_animation_rate(double fps, const std::string& name);
/// The duration of a frame of a GIF or WebP: delays of 10 ms or less count as 100 ms.
int64_t shown_ticks(int64_t delay, int64_t ticks_per_second);

}  // namespace ditharos::data
