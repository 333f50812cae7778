#pragma once
// What the formats of video_file.h share, and their decoders and encoders: from and to bytes, apart from folders. In
// all of them `name` stands in messages, and frames are contiguous u8 [F, 3, H, W] that check_clip_shape has passed.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ditharos/data/video_file.h>

namespace ditharos::data {

VideoFrames decode_y4m(std::string_view bytes, const std::string& name, int64_t max_pixels = default_max_pixels);
std::string encode_y4m(const VideoFrames& clip, Chroma chroma);

VideoFrames decode_gif(std::string_view bytes, const std::string& name, int64_t max_pixels = default_max_pixels);
std::string encode_gif(const VideoFrames& clip, bool loop, const std::string& name);

VideoFrames decode_webp(std::string_view bytes, const std::string& name, int64_t max_pixels = default_max_pixels);
std::string encode_webp(const VideoFrames& clip, const WriteClipOptions& options, const std::string& name);

VideoFrames read_frame_folder(const std::string& directory, int64_t max_pixels);
void write_frame_folder(const std::string& directory, const VideoFrames& clip);
/// IoError unless write_frame_folder can write there.
void check_frame_folder_output(const std::string& directory);

VideoFrames read_through_ffmpeg(const std::string& path, int64_t max_pixels);
void write_through_ffmpeg(const std::string& path, const VideoFrames& clip);
/// IoError, naming the file that is to be written, unless ffmpeg is installed.
void check_ffmpeg(const std::string& path);

/// IoError "cannot read NAME: ..." when this is more than a clip may have.
void check_announced_size(const std::string& name, int64_t frames, int64_t height, int64_t width, int64_t max_pixels);

/// "after frame 3", or "before the end of its first frame": where a damaged file stops being whole.
std::string after_frame(int64_t whole_frames);

/// Frames u8 [F, 3, H, W] whose pixels are `aspect` times as wide as high, with square pixels: made wider, or higher
/// where the aspect is below 1, each new pixel the mean of the old ones that it covers. IoError when the aspect is no
/// sensible one (1/16 to 16) or makes the clip larger than the limits.
Tensor square_pixels(const Tensor& frames, double aspect, const std::string& name, int64_t max_pixels);

/// Frames of one size, collected one after the other.
class FrameList {
 public:
  /// Takes memory for at most `frames` frames at once; IoError beyond the limits.
  FrameList(const std::string& name, int64_t frames, int64_t height, int64_t width, int64_t max_pixels);
  int64_t size() const { return count_; }
  /// Memory for the next frame, [3, H, W], contents undefined.
  uint8_t* add();
  /// Those that were added, u8 [F, 3, H, W]; IoError when there are none.
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
/// The rate of frames that take so many ticks together: a whole number where tick_of would give this sum for one.
double rate_of_ticks(int64_t frames, int64_t ticks, int64_t ticks_per_second);
/// ConfigError when a GIF or WebP cannot show frames that fast.
void check_animation_rate(double fps, const std::string& name);
/// How long a frame of a GIF or WebP is shown: delays of 10 ms or less are taken for 100 ms.
int64_t shown_ticks(int64_t delay, int64_t ticks_per_second);

}  // namespace ditharos::data
