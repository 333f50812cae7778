// YUV4MPEG2 (.y4m): a line of parameters, then frames of raw planes (mjpegtools, yuv4mpeg(5)).
//
// Colours by ITU-R BT.601: Y = 0.299 R + 0.587 G + 0.114 B, Cb = (B - Y) / 1.772, Cr = (R - Y) / 1.402, stored in the
// limited range (Y 16..235, Cb and Cr 16..240), or 0..255 where a file says XCOLORRANGE=FULL.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include <ditharos/data/codecs/video/video_formats.h>
#include <ditharos/data/codecs/video/y4m.h>

namespace ditharos::data {
namespace {

constexpr std::string_view signature = "YUV4MPEG2", frame_word = "FRAME";
constexpr size_t longest_line = 1024;

struct Header {
  int64_t width = 0, height = 0;
  double fps = default_fps;
  double pixel_aspect = 1;       // width : height of a pixel
  int64_t across = 2, down = 2;  // pixels that share one sample of chroma; 4:2:0 unless the file says otherwise
  bool gray = false, full_range = false;

  int64_t chroma_width() const { return gray ? 0 : (width + across - 1) / across; }
  int64_t chroma_height() const { return gray ? 0 : (height + down - 1) / down; }
};

uint8_t to_byte(double value) { return static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L)); }

/// One of three planes to and from samples: byte = offset + scale * value.
struct Range {
  double luma_scale, luma_offset, chroma_scale;
  explicit Range(bool full)
      : luma_scale(full ? 1 : 219.0 / 255), luma_offset(full ? 0 : 16), chroma_scale(full ? 1 : 224.0 / 255) {}
};

[[noreturn]] void refuse(const std::string& name, const std::string& reason) {
  fail<IoError>("cannot read ", name, ": ", reason);
}

/// Removes a line from the front of `bytes` and returns it without its end.
std::string_view take_line(std::string_view& bytes, const std::string& name, const std::string& what) {
  const size_t end = bytes.substr(0, longest_line).find('\n');
  if (end == std::string_view::npos) refuse(name, "it is cut off or damaged in " + what);
  const std::string_view line = bytes.substr(0, end);
  bytes.remove_prefix(end + 1);
  return line;
}

int64_t whole_number(std::string_view text, const std::string& name, std::string_view field) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > int64_t{1} << 31)
    refuse(name, "its header has no number in " + std::string(field));
  return value;
}

/// "30000:1001"; nothing for 0:0, which stands for an unknown ratio.
std::optional<double> ratio(std::string_view text, const std::string& name, std::string_view field) {
  const size_t colon = std::min(text.find(':'), text.size());
  const int64_t numerator = whole_number(text.substr(0, colon), name, field);
  const int64_t denominator = whole_number(text.substr(std::min(colon + 1, text.size())), name, field);
  if (numerator == 0 || denominator == 0) return std::nullopt;
  return static_cast<double>(numerator) / static_cast<double>(denominator);
}

void set_color_space(Header& header, std::string_view text, const std::string& name) {
  struct Space {
    std::string_view name;
    int64_t across, down;
    bool gray;
  };
  // The kinds of 4:2:0 differ in where a sample of chroma lies within its block, which makes no difference here.
  constexpr std::array<Space, 8> spaces{{{"420", 2, 2, false},
                                         {"420jpeg", 2, 2, false},
                                         {"420mpeg2", 2, 2, false},
                                         {"420paldv", 2, 2, false},
                                         {"422", 2, 1, false},
                                         {"411", 4, 1, false},
                                         {"444", 1, 1, false},
                                         {"mono", 1, 1, true}}};
  for (const Space& space : spaces) {
    if (text != space.name) continue;
    header.across = space.across;
    header.down = space.down;
    header.gray = space.gray;
    return;
  }
  fail<IoError>("cannot read ", name, ": its colours are stored as C", std::string(text),
                ", which is not read here; C420, C422, C411, C444 and Cmono of eight bits are");
}

Header parse_header(std::string_view& bytes, const std::string& name) {
  if (!bytes.starts_with(signature)) refuse(name, "it is not a Y4M file (YUV4MPEG2)");
  std::string_view line = take_line(bytes, name, "its header").substr(signature.size());
  Header header;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    const std::string_view field = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    if (field.empty()) continue;
    const std::string_view value = field.substr(1);
    if (field[0] == 'W') header.width = whole_number(value, name, field);
    if (field[0] == 'H') header.height = whole_number(value, name, field);
    if (field[0] == 'C') set_color_space(header, value, name);
    if (field == "XCOLORRANGE=FULL") header.full_range = true;
    if (field[0] == 'F') header.fps = ratio(value, name, field).value_or(default_fps);
    if (field[0] == 'A') header.pixel_aspect = ratio(value, name, field).value_or(1);
  }
  if (header.width == 0 || header.height == 0) refuse(name, "its header gives no size");
  return header;
}

/// One frame's planes Y, Cb, Cr -> [3, H, W] RGB
void to_rgb(const Header& header, const uint8_t* yuv, uint8_t* rgb) {
  const Range range(header.full_range);
  const int64_t n = header.height * header.width;
  const int64_t chroma_width = header.chroma_width(), chroma = chroma_width * header.chroma_height();
  for (int64_t y = 0; y < header.height; ++y) {
    for (int64_t x = 0; x < header.width; ++x) {
      const int64_t i = y * header.width + x;
      const double luma = (yuv[i] - range.luma_offset) / range.luma_scale;
      double cb = 0, cr = 0;
      if (!header.gray) {
        const uint8_t* sample = yuv + n + y / header.down * chroma_width + x / header.across;
        cb = (sample[0] - 128) / range.chroma_scale;
        cr = (sample[chroma] - 128) / range.chroma_scale;
      }
      rgb[i] = to_byte(luma + 1.402 * cr);
      rgb[n + i] = to_byte(luma - (0.299 * 1.402 * cr + 0.114 * 1.772 * cb) / 0.587);
      rgb[2 * n + i] = to_byte(luma + 1.772 * cb);
    }
  }
}

/// [3, H, W] RGB -> Y, Cb, Cr as `header` says, appended to `out`.
void append_yuv(const Header& header, const uint8_t* rgb, std::string& out) {
  const Range range(header.full_range);
  const int64_t n = header.height * header.width;
  const auto luma = [&](int64_t i) { return 0.299 * rgb[i] + 0.587 * rgb[n + i] + 0.114 * rgb[2 * n + i]; };
  for (int64_t i = 0; i < n; ++i) {
    out += static_cast<char>(to_byte(range.luma_offset + range.luma_scale * luma(i)));
  }
  // Cb from blue, the third plane; Cr from red, the first.
  for (const auto& [plane, divisor] : {std::pair{2, 1.772}, std::pair{0, 1.402}}) {
    for (int64_t y = 0; y < header.height; y += header.down) {
      for (int64_t x = 0; x < header.width; x += header.across) {
        double sum = 0;
        int count = 0;
        for (int64_t v = y; v < std::min(y + header.down, header.height); ++v) {
          for (int64_t u = x; u < std::min(x + header.across, header.width); ++u, ++count) {
            const int64_t i = v * header.width + u;
            sum += (rgb[plane * n + i] - luma(i)) / divisor;
          }
        }
        out += static_cast<char>(to_byte(128 + range.chroma_scale * sum / count));
      }
    }
  }
}

}  // namespace

VideoFrames decode_y4m(std::string_view bytes, const std::string& name, int64_t max_pixels) {
  const Header header = parse_header(bytes, name);
  check_announced_size(name, 1, header.height, header.width, max_pixels);
  const auto frame_size =
      static_cast<size_t>(header.height * header.width + 2 * header.chroma_height() * header.chroma_width());
  const size_t most_frames = bytes.size() / (frame_word.size() + 1 + frame_size);
  FrameList frames(name, static_cast<int64_t>(most_frames), header.height, header.width, max_pixels);
  while (!bytes.empty()) {
    const std::string where = after_frame(frames.size());
    if (!bytes.starts_with(frame_word.substr(0, bytes.size()))) refuse(name, "it is damaged " + where);
    take_line(bytes, name, "a line " + where);
    if (bytes.size() < frame_size) refuse(name, "cut off " + where);
    to_rgb(header, reinterpret_cast<const uint8_t*>(bytes.data()), frames.add());
    bytes.remove_prefix(frame_size);
  }
  return {square_pixels(frames.take(), header.pixel_aspect, name, max_pixels), header.fps};
}

std::string encode_y4m(const VideoFrames& clip, Chroma chroma) {
  Header header;
  header.height = clip.frames.size(2);
  header.width = clip.frames.size(3);
  header.across = header.down = chroma == Chroma::full ? 1 : 2;
  const Rate rate = rate_of(clip.fps);
  std::string out(signature);
  out += " W" + std::to_string(header.width) + " H" + std::to_string(header.height) + " F" +
         std::to_string(rate.numerator) + ":" + std::to_string(rate.denominator) + " Ip A1:1 " +
         (chroma == Chroma::full ? "C444" : "C420jpeg") + "\n";
  const uint8_t* frame = clip.frames.data<uint8_t>();
  for (int64_t f = 0; f < clip.frames.size(0); ++f, frame += 3 * header.height * header.width) {
    out.append(frame_word) += '\n';
    append_yuv(header, frame, out);
  }
  return out;
}

}  // namespace ditharos::data
