// Animated GIF through giflib. Each frame after the first holds only the part that changes.
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>

#include <ditharos/data/codecs/pixels.h>
#include <ditharos/data/codecs/video/gif.h>
#include <ditharos/data/codecs/video/palette.h>
#include <ditharos/data/codecs/video/video_formats.h>

namespace ditharos::data {
namespace {

constexpr size_t most_gif_colors = 256;
constexpr int64_t gif_ticks = 100;

struct MapDeleter {
  void operator()(ColorMapObject* map) const { GifFreeMapObject(map); }
};
using ColorMap = std::unique_ptr<ColorMapObject, MapDeleter>;

/// giflib calls back from C: no exception may leave.
int append_bytes(GifFileType* gif, const GifByteType* bytes, int n) {
  try {
    static_cast<std::string*>(gif->UserData)->append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(n));
    return n;
  } catch (...) {
    return 0;
  }
}

/// Owns giflib's structure and the bytes that are written.
class GifEncoder {
 public:
  explicit GifEncoder(const std::string& name) : name_(name) {
    int error = 0;
    gif_ = EGifOpen(&bytes_, append_bytes, &error);
    if (!gif_) refuse(error);
    EGifSetGifVersion(gif_, true);
  }
  ~GifEncoder() {
    int ignored = 0;
    if (gif_) EGifCloseFile(gif_, &ignored);
  }
  GifEncoder(const GifEncoder&) = delete;
  GifEncoder& operator=(const GifEncoder&) = delete;

  void begin(int64_t height, int64_t width, const ColorMapObject* palette, bool loop) {
    run(EGifPutScreenDesc(gif_, static_cast<int>(width), static_cast<int>(height), 8, 0, palette));
    if (!loop) return;
    // Netscape's extension, which every browser knows; 0 stands for no end.
    constexpr std::array<uint8_t, 3> forever{1, 0, 0};
    run(EGifPutExtensionLeader(gif_, APPLICATION_EXT_FUNC_CODE));
    run(EGifPutExtensionBlock(gif_, 11, "NETSCAPE2.0"));
    run(EGifPutExtensionBlock(gif_, static_cast<int>(forever.size()), forever.data()));
    run(EGifPutExtensionTrailer(gif_));
  }

  /// Adds an image that covers a part of the canvas; `palette` null for the global one.
  void add(const PixelBox& part, std::vector<uint8_t>& indices, const ColorMapObject* palette, int64_t delay) {
    const GraphicsControlBlock control{DISPOSE_DO_NOT, false, static_cast<int>(delay), NO_TRANSPARENT_COLOR};
    std::array<GifByteType, 4> packed{};
    EGifGCBToExtension(&control, packed.data());
    run(EGifPutExtension(gif_, GRAPHICS_EXT_FUNC_CODE, static_cast<int>(packed.size()), packed.data()));
    const auto width = static_cast<int>(part.width);
    run(EGifPutImageDesc(gif_, static_cast<int>(part.left), static_cast<int>(part.top), width,
                         static_cast<int>(part.height), false, palette));
    for (int64_t y = 0; y < part.height; ++y) run(EGifPutLine(gif_, indices.data() + y * part.width, width));
  }

  std::string finish() {
    int error = 0;
    const bool ok = EGifCloseFile(gif_, &error) == GIF_OK;
    gif_ = nullptr;
    if (!ok) refuse(error);
    return std::move(bytes_);
  }

 private:
  [[noreturn]] void refuse(int error) const {
    const char* reason = GifErrorString(error);
    fail<IoError>("cannot write ", name_, ": ", reason ? reason : "giflib failed");
  }
  void run(int status) const {
    if (status != GIF_OK) refuse(gif_->Error);
  }

  std::string name_, bytes_;
  GifFileType* gif_ = nullptr;
};

/// Palettes in a GIF have 2, 4, ..., 256 colours.
ColorMap to_map(const std::vector<ColorBytes>& palette) {
  std::array<GifColorType, most_gif_colors> colors{};
  for (size_t i = 0; i < palette.size(); ++i) colors[i] = {palette[i][0], palette[i][1], palette[i][2]};
  ColorMap map(GifMakeMapObject(static_cast<int>(std::bit_ceil(std::max<size_t>(2, palette.size()))), colors.data()));
  check<Error>(map != nullptr, "[gif] giflib has no memory");
  return map;
}

/// All colours of the clip, ascending, if there are at most 256; otherwise none.
std::vector<ColorBytes> common_palette(const VideoFrames& clip, int64_t n) {
  std::vector<ColorBytes> all;
  for (int64_t f = 0; f < clip.frames.size(0); ++f) {
    const auto more = distinct_colors(clip.frames.data<uint8_t>() + f * 3 * n, n, most_gif_colors);
    std::vector<ColorBytes> both;
    std::set_union(all.begin(), all.end(), more.begin(), more.end(), std::back_inserter(both));
    if (both.size() > most_gif_colors) return {};
    all = std::move(both);
  }
  return all;
}

}  // namespace

std::string encode_gif(const VideoFrames& clip, bool loop, const std::string& name) {
  check_animation_rate(clip.fps, name);
  const int64_t height = clip.frames.size(2), width = clip.frames.size(3), n = height * width;
  const int64_t longest_delay = 65535;
  const std::vector<ColorBytes> common = common_palette(clip, n);
  const ColorMap common_map = common.empty() ? nullptr : to_map(common);

  GifEncoder encoder(name);
  encoder.begin(height, width, common_map.get(), loop);
  const uint8_t* frame = clip.frames.data<uint8_t>();
  for (int64_t f = 0; f < clip.frames.size(0); ++f, frame += 3 * n) {
    const int64_t delay = tick_of(f + 1, clip.fps, gif_ticks) - tick_of(f, clip.fps, gif_ticks);
    const PixelBox part = f == 0 ? PixelBox{0, 0, height, width} : changed_part(frame - 3 * n, frame, height, width, 1);
    const std::vector<uint8_t> planes = cut_out(frame, height, width, part);
    if (common_map) {
      std::vector<uint8_t> indices = exact_indices(planes.data(), part.height * part.width, common);
      encoder.add(part, indices, nullptr, std::min(delay, longest_delay));
    } else {
      IndexedImage image = to_palette(planes.data(), part.height, part.width, part.top, part.left);
      encoder.add(part, image.indices, to_map(image.palette).get(), std::min(delay, longest_delay));
    }
  }
  return encoder.finish();
}

}  // namespace ditharos::data
