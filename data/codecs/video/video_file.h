#pragma once
// Videos to and from files, whatever their format.
#include <cstdint>
#include <string>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// Frames per second of files without a rate: still images, folders of images, Y4M without a rate.
inline constexpr double default_fps = 8;

/// The largest clip that is read or written: pixels on a side, and frames.
inline constexpr int64_t max_clip_side = int64_t{1} << 13;
inline constexpr int64_t max_clip_frames = int64_t{1} << 14;
/// The largest clip that is written, in pixels of all frames together; for reading it is the caller's choice
/// (max_pixels).
inline constexpr int64_t max_clip_pixels = int64_t{1} << 27;

struct VideoFrames {
  Tensor frames;             ///< u8 [F, 3, H, W], RGB, F >= 1
  double fps = default_fps;  ///< the mean where frames are shown for unequal times
};

/// Reads a whole video. The format goes by the ending of the name, in any case:
///
/// - a directory: its PNG files (no symbolic links that lead out of it), all of one size, in natural order (2 before
///   10), and the rate from `fps.txt`, if it exists;
/// - .y4m: YUV4MPEG2, eight bits, 4:4:4, 4:2:2, 4:2:0, 4:1:1 or gray; colours by ITU-R BT.601, each sample of chroma
///   serving all pixels of its block; fields of interlaced video are not separated;
/// - .gif and .webp, animated or not. Frames shown for 10 ms or less count as 100 ms, as in browsers. A GIF may lack
///   its trailer, have zeros or line ends between its records, and images with fewer pixels than they announce, or
///   none;
/// - .png: one frame;
/// - .mp4, .m4v, .mov, .mkv, .webm, .avi, .mpg, .mpeg, .ogv: through the program `ffmpeg`, which must be installed, and
///   is stopped after ten minutes. Only this file is read: playlists are refused.
///
/// Pixels that the file declares as not square (Y4M's A, GIF's aspect byte, ffmpeg's) are resampled to squares with the
/// shorter side of a pixel, so frames become wider or higher. Transparent pixels are composed with white. IoError
/// naming the file and the reason when it is missing, damaged, cut off (with the last whole frame), larger than the
/// limits above, or when its frames have more than `max_pixels` pixels together; nothing is decoded then.
[[nodiscard]] VideoFrames read_clip(const std::string& path, int64_t max_pixels = default_max_pixels);
/// True when read_clip supports the ending of this name, whether the file exists or not, or when it is a directory.
[[nodiscard]] bool is_clip_path(const std::string& path);

enum class Chroma {
  full,  ///< 4:4:4, one sample per pixel
  half   ///< 4:2:0, the mean of each 2 x 2 block
};

struct WriteClipOptions {
  int64_t scale = 1;           ///< every pixel becomes scale x scale pixels
  int64_t webp_quality = 100;  ///< 100: lossless; 0..99: lossy, smaller
  Chroma y4m_chroma = Chroma::full;
  bool loop = true;  ///< GIF and WebP are repeated without end
};

/// Writes frames u8 [F, 3, H, W], or f32 in [-1, 1] (clamped, rounded to bytes), at `fps` frames per second. The format
/// depends on the ending of the name:
///
/// - none: a directory of frame_0000.png, ... and fps.txt, which may replace an older one of the same kind, never a
///   directory with other files;
/// - .y4m: BT.601 in limited range, exact to 2 of 255 with full chroma;
/// - .gif: exact where a frame's changed part has at most 256 colours, else the 256 best by median cut with ordered
///   dithering; at most 50 frames per second;
/// - .webp: lossless unless `webp_quality` says otherwise; at most 50 frames per second;
/// - .png: a strip, the frames side by side from left to right;
/// - .mp4, .m4v, .mov, .mkv, .webm, .avi: through `ffmpeg`, 4:2:0; an odd last row or column is doubled.
///
/// Durations are rounded to the resolution of the format (GIF 1/100 s, WebP 1/1000 s) without drift over the clip.
/// Atomic: after a failure the old file is still there. ShapeError, DTypeError or ConfigError for frames or options
/// that cannot be written, IoError naming the file and the reason.
void write_clip(const std::string& path, const Tensor& frames, double fps, const WriteClipOptions& options = {});
/// Checks an output before the work begins, without changing any file. ConfigError, with the supported endings, unless
/// write_clip supports the ending of this name; IoError when no file can be written there, or when ffmpeg is needed and
/// missing.
void check_clip_output(const std::string& path);

}  // namespace ditharos::data
