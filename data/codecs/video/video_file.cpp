#include <ditharos/data/codecs/video/video_file.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/ffmpeg.h>
#include <ditharos/data/codecs/video/frame_folder.h>
#include <ditharos/data/codecs/video/gif.h>
#include <ditharos/data/codecs/video/video_formats.h>
#include <ditharos/data/codecs/video/webp.h>
#include <ditharos/data/codecs/video/y4m.h>
#include <ditharos/data/datasets/dataset.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

enum class Format { folder, y4m, gif, webp, png, ffmpeg, unknown };

constexpr std::array<const char*, 6> ffmpeg_endings{".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"};
constexpr std::array<const char*, 3> ffmpeg_read_only{".mpg", ".mpeg", ".ogv"};

Format format_of(const std::string& path) {
  const std::string ending = fs::path(path).extension().string();
  const auto is = [&](const char* known) { return ending.size() == std::strlen(known) && has_ending(ending, known); };
  if (is(".y4m")) return Format::y4m;
  if (is(".gif")) return Format::gif;
  if (is(".webp")) return Format::webp;
  if (is(".png")) return Format::png;
  if (std::any_of(ffmpeg_endings.begin(), ffmpeg_endings.end(), is)) return Format::ffmpeg;
  return ending.empty() || ending == "." ? Format::folder : Format::unknown;
}
bool is_read_only(const std::string& path) {
  return std::any_of(ffmpeg_read_only.begin(), ffmpeg_read_only.end(),
                     [&](const char* ending) { return has_ending(path, ending); });
}

std::string known_formats() {
  std::string text = ".gif, .webp, .png, .y4m, no ending for a directory of PNG files, or, through ffmpeg,";
  for (const char* ending : ffmpeg_endings) text += std::string(" ") + ending;
  return text;
}

Tensor one_image(const std::string& path, int64_t max_pixels) {
  const Tensor image = read_png(path, 3, max_pixels);
  check_announced_size(path, 1, image.size(1), image.size(2), max_pixels);
  return image.reshape({1, 3, image.size(1), image.size(2)});
}

void write_bytes(const std::string& path, const std::string& bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

/// Every pixel as scale x scale pixels. [F, 3, H, W] -> [F, 3, H * scale, W * scale]
Tensor enlarge(const Tensor& frames, int64_t scale) {
  if (scale == 1) return frames;
  const int64_t rows = frames.size(0) * 3 * frames.size(2), width = frames.size(3);
  Tensor large({frames.size(0), 3, frames.size(2) * scale, width * scale}, DType::u8);
  const uint8_t* from = frames.data<uint8_t>();
  uint8_t* to = large.mutable_data<uint8_t>();
  for (int64_t row = 0; row < rows; ++row, from += width) {
    const uint8_t* first = to;
    for (int64_t x = 0; x < width; ++x, to += scale) std::memset(to, from[x], static_cast<size_t>(scale));
    for (int64_t copy = 1; copy < scale; ++copy, to += width * scale)
      std::memcpy(to, first, static_cast<size_t>(width * scale));
  }
  return large;
}

/// The frames side by side. [F, 3, H, W] -> [3, H, F * W]
Tensor strip(const Tensor& frames) {
  const int64_t count = frames.size(0), height = frames.size(2), width = frames.size(3);
  check<ShapeError>(count * width <= max_png_side, "[write_clip] a strip of ", count, " frames of ", width,
                    " pixels is wider than the ", max_png_side, " pixels that a PNG of this library holds");
  Tensor row({3, height, count * width}, DType::u8);
  const uint8_t* from = frames.data<uint8_t>();
  uint8_t* to = row.mutable_data<uint8_t>();
  for (int64_t f = 0; f < count; ++f) {
    for (int64_t line = 0; line < 3 * height; ++line, from += width)
      std::memcpy(to + (line * count + f) * width, from, static_cast<size_t>(width));
  }
  return row;
}

void validate(const Tensor& frames, double fps, const WriteClipOptions& options) {
  check<Error>(frames.defined(), "[write_clip] the frames are an undefined tensor");
  check<DTypeError>(frames.dtype() == DType::u8 || frames.dtype() == DType::f32,
                    "[write_clip] takes u8, or f32 in [-1, 1], got ", frames.dtype());
  check<ShapeError>(frames.rank() == 4 && frames.size(1) == 3 && frames.numel() > 0,
                    "[write_clip] takes at least one frame as [F, 3, H, W], got ", frames.shape());
  check<ConfigError>(std::isfinite(fps) && fps >= 0.01 && fps <= 1000,
                     "[write_clip] frames a second must be 0.01 to 1000, got ", fps);
  check<ConfigError>(options.scale >= 1 && options.scale <= 64, "[write_clip] scale must be 1 to 64, got ",
                     options.scale);
  check<ConfigError>(options.webp_quality >= 0 && options.webp_quality <= 100,
                     "[write_clip] webp_quality must be 0 to 100, got ", options.webp_quality);
  const Shape& shape = frames.shape();
  const int64_t side = max_clip_side / options.scale, all = options.scale * options.scale;
  check<ShapeError>(shape[2] <= side && shape[3] <= side && shape[0] <= max_clip_frames &&
                        shape[0] * shape[2] * shape[3] <= max_clip_pixels / all,
                    "[write_clip] a clip has at most ", max_clip_frames, " frames, ", max_clip_side,
                    " pixels on a side and ", max_clip_pixels, " in all, got ", shape, " at scale ", options.scale);
}

void check_output_name(const std::string& path) {
  check<ConfigError>(!path.empty(), "the name of a video file is empty");
  check<ConfigError>(format_of(path) != Format::unknown, "cannot write ", path,
                     ": its ending is not one of a video known here: ", known_formats());
}

}  // namespace

bool is_clip_path(const std::string& path) {
  std::error_code missing;
  if (fs::is_directory(path, missing)) return true;
  const Format format = format_of(path);
  return (format != Format::unknown && format != Format::folder) || is_read_only(path);
}

VideoFrames read_clip(const std::string& path, int64_t max_pixels) {
  check<ConfigError>(max_pixels >= 1 && max_pixels <= int64_t{1} << 50,
                     "[read_clip] max_pixels must be 1 to 2^50, got ", max_pixels);
  std::error_code missing;
  if (fs::is_directory(path, missing)) return read_frame_folder(path, max_pixels);
  const auto read = [&] { return read_file(path, uint64_t(4 * max_pixels) + (uint64_t{64} << 20)); };
  if (is_read_only(path)) return read_through_ffmpeg(path, max_pixels);
  switch (format_of(path)) {
    case Format::y4m: return decode_y4m(read(), path, max_pixels);
    case Format::gif: return decode_gif(read(), path, max_pixels);
    case Format::webp: return decode_webp(read(), path, max_pixels);
    case Format::png: return {one_image(path, max_pixels), default_fps};
    case Format::ffmpeg: return read_through_ffmpeg(path, max_pixels);
    case Format::folder:
    case Format::unknown: break;
  }
  check<IoError>(fs::exists(path, missing), "cannot read ", path, ": there is no such file");
  fail<IoError>("cannot read ", path, ": its ending is not one of a video known here: ", known_formats());
}

void check_clip_output(const std::string& path) {
  check_output_name(path);
  if (format_of(path) == Format::folder) return check_frame_folder_output(path);
  const AtomicFile made_and_removed(path);
  if (format_of(path) == Format::ffmpeg) check_ffmpeg(path);
}

void write_clip(const std::string& path, const Tensor& frames, double fps, const WriteClipOptions& options) {
  validate(frames, fps, options);
  check_output_name(path);
  const Tensor bytes = frames.dtype() == DType::f32 ? to_bytes(frames) : kernels::contiguous(frames);
  const VideoFrames clip{enlarge(bytes, options.scale), fps};
  switch (format_of(path)) {
    case Format::folder: return write_frame_folder(path, clip);
    case Format::y4m: return write_bytes(path, encode_y4m(clip, options.y4m_chroma));
    case Format::gif: return write_bytes(path, encode_gif(clip, options.loop, path));
    case Format::webp: return write_bytes(path, encode_webp(clip, options, path));
    case Format::png: return write_png(path, strip(clip.frames));
    case Format::ffmpeg: return write_through_ffmpeg(path, clip);
    case Format::unknown: break;  // refused above
  }
}

}  // namespace ditharos::data
