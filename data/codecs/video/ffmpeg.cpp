// MP4, WebM and other formats that the program ffmpeg reads and writes.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <ditharos/data/codecs/pixels.h>
#include <ditharos/data/codecs/video/ffmpeg.h>
#include <ditharos/data/codecs/video/program.h>
#include <ditharos/data/codecs/video/video_formats.h>
#include <ditharos/data/codecs/video/y4m.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::data {
namespace {

namespace fs = std::filesystem;

/// Largest file of compressed video that is read or written.
constexpr uint64_t most_bytes = uint64_t{1} << 32;

/// The first line of ffmpeg's messages, which names the cause, without the prefix of the component
/// ("[h264 @ 0x55c3101b1880] "); shortened, and without control characters.
std::string first_words(const std::string& errors) {
  std::string line = errors.substr(0, errors.find('\n'));
  if (const size_t end = line.find("] "); line.starts_with('[') && end != std::string::npos) line.erase(0, end + 2);
  if (line.size() > 300) line.resize(300);
  for (char& c : line) c = static_cast<unsigned char>(c) < 32 || c == 127 ? ' ' : c;
  return line.empty() ? "nothing, but it failed" : line;
}

ProgramResult run_ffmpeg(const std::string& action, const std::vector<std::string>& arguments, std::string_view input,
                         size_t output_limit) {
  std::vector<std::string> all{"ffmpeg", "-hide_banner", "-nostdin", "-v", "error"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  ProgramResult result = run_program(all, input, output_limit);
  check<IoError>(result.status != ProgramResult::Status::not_installed, action,
                 ": this format goes through the program ffmpeg, which is not installed (apt-get install ffmpeg); GIF, "
                 "WebP, Y4M and directories of PNG files need nothing");
  check<IoError>(result.status != ProgramResult::Status::timed_out, action, ": ffmpeg did not finish within ",
                 std::chrono::duration_cast<std::chrono::seconds>(default_time_limit).count(),
                 " seconds and was stopped");
  return result;
}

/// The folder for temporary files.
std::string scratch_folder(const std::string& action) {
  std::error_code error;
  const fs::path folder = fs::temp_directory_path(error);
  check<IoError>(!error, action, ": there is no directory for temporary files: ", error.message());
  return folder.string();
}

/// The containers of the endings that read_clip supports, by ffmpeg's names; none of these formats refers to other
/// files.
constexpr const char* formats = "mov,matroska,avi,mpeg,mpegts,mpegvideo,m4v,ogg";

/// IoError for a playlist under a video's name. All of the containers begin with bytes that no text begins with.
void refuse_playlist(const InputFile& file) {
  std::string start(static_cast<size_t>(std::min<uint64_t>(file.size(), 512)), '\0');
  file.read(0, start.data(), start.size());
  std::string_view text = start;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  const bool is_list =
      text.starts_with('#') || text.starts_with('<') || text.starts_with('[') || text.starts_with("ffconcat");
  check<IoError>(!is_list, "cannot read ", file.path(), ": it is a playlist, which names other files, and no video");
}

/// All frames as RGB, [F, H, W, 3], an odd last row or column doubled: 4:2:0 has one sample of chroma for 2 x 2 pixels.
std::string raw_video(const VideoFrames& clip, int64_t even_height, int64_t even_width) {
  const int64_t height = clip.frames.size(2), width = clip.frames.size(3);
  std::string raw;
  raw.reserve(static_cast<size_t>(3 * clip.frames.size(0) * even_height * even_width));
  for (int64_t f = 0; f < clip.frames.size(0); ++f) {
    const uint8_t* planes = clip.frames.data<uint8_t>() + f * 3 * height * width;
    const std::vector<uint8_t> pixels = interleave(planes, 3, height * width);
    const char* bytes = reinterpret_cast<const char*>(pixels.data());
    for (int64_t y = 0; y < even_height; ++y) {
      const char* row = bytes + std::min(y, height - 1) * 3 * width;
      raw.append(row, static_cast<size_t>(3 * width));
      if (even_width > width) raw.append(row + 3 * (width - 1), 3);
    }
  }
  return raw;
}

}  // namespace

VideoFrames read_through_ffmpeg(const std::string& path, int64_t max_pixels) {
  refuse_playlist(InputFile(path));  // the same message for a missing file as in every other format
  const std::string action = "cannot read " + path;
  // Y4M holds size and rate besides the images. With "file:" a name is not taken for an option or an address; the lists
  // of protocols and formats prevent that the file refers to others.
  const std::vector<std::string> arguments{"-protocol_whitelist",
                                           "file",
                                           "-format_whitelist",
                                           formats,
                                           "-xerror",
                                           "-i",
                                           "file:" + path,
                                           "-map",
                                           "0:v:0",
                                           "-frames:v",
                                           std::to_string(max_clip_frames + 1),
                                           "-vf",
                                           "scale=out_color_matrix=bt601:out_range=tv,format=yuv444p",
                                           "-f",
                                           "yuv4mpegpipe",
                                           "-strict",
                                           "-1",
                                           "pipe:1"};
  const size_t limit = size_t{3} * static_cast<size_t>(max_pixels) + (size_t{1} << 20);
  const ProgramResult result = run_ffmpeg(action, arguments, "", limit);
  check<IoError>(result.status != ProgramResult::Status::output_too_long, action, ": it has more than the ", max_pixels,
                 " pixels in all that are decoded from one file; raise max_pixels to read it");
  check<IoError>(result.status == ProgramResult::Status::succeeded && result.errors.empty(), action,
                 ": ffmpeg says: ", first_words(result.errors));
  return decode_y4m(result.output, path, max_pixels);
}

void check_ffmpeg(const std::string& path) { run_ffmpeg("cannot write " + path, {"-version"}, "", 1 << 20); }

void write_through_ffmpeg(const std::string& path, const VideoFrames& clip) {
  const std::string action = "cannot write " + path;
  const int64_t height = (clip.frames.size(2) + 1) / 2 * 2, width = (clip.frames.size(3) + 1) / 2 * 2;
  const Rate rate = rate_of(clip.fps);
  const TemporaryDirectory scratch(scratch_folder(action), action);  // ffmpeg may write and seek in it
  const std::string encoded = scratch.path() + "/clip" + fs::path(path).extension().string();
  std::vector<std::string> arguments{"-f",
                                     "rawvideo",
                                     "-pixel_format",
                                     "rgb24",
                                     "-video_size",
                                     std::to_string(width) + "x" + std::to_string(height),
                                     "-framerate",
                                     std::to_string(rate.numerator) + "/" + std::to_string(rate.denominator),
                                     "-i",
                                     "pipe:0",
                                     "-vf",
                                     "scale=out_color_matrix=bt601:out_range=tv",
                                     "-colorspace",
                                     "smpte170m",
                                     "-color_range",
                                     "tv",
                                     "-pix_fmt",
                                     "yuv420p",
                                     "-threads",
                                     "1"};
  // High quality: -crf for the usual encoders of MP4 and WebM, -q:v for older ones; each ignores the other option.
  // +faststart: the index of an MP4 comes first, so that it can be played while it is loaded.
  for (const char* argument : {"-crf", "16", "-q:v", "3", "-b:v", "0", "-movflags", "+faststart"})
    arguments.emplace_back(argument);
  arguments.push_back("file:" + encoded);
  const ProgramResult result = run_ffmpeg(action, arguments, raw_video(clip, height, width), 1 << 20);
  check<IoError>(result.status == ProgramResult::Status::succeeded, action,
                 ": ffmpeg says: ", first_words(result.errors));
  const std::string bytes = read_file(encoded, most_bytes);
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace ditharos::data
