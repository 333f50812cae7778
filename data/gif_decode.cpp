// GIF, animated or not, through giflib: frames are painted over each other as the file says.
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include <ditharos/data/pixels.h>
#include <ditharos/data/video_formats.h>

namespace ditharos::data {
namespace {

constexpr int64_t ticks_per_second = 100;

int take_bytes(GifFileType* gif, GifByteType* to, int n) {
  auto* bytes = static_cast<std::string_view*>(gif->UserData);
  const size_t taken = std::min(bytes->size(), static_cast<size_t>(n));
  std::memcpy(to, bytes->data(), taken);
  bytes->remove_prefix(taken);
  return static_cast<int>(taken);
}

constexpr GraphicsControlBlock no_control{DISPOSAL_UNSPECIFIED, false, 0, NO_TRANSPARENT_COLOR};

/// One pass over the file's records.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {
    check<IoError>(bytes.starts_with("GIF8"), "cannot read ", name, ": it is not a GIF file");
    int error = 0;
    gif_ = DGifOpen(&bytes_, take_bytes, &error);
    if (!gif_) refuse(error);
  }
  ~Reader() {
    int ignored = 0;
    DGifCloseFile(gif_, &ignored);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  const GifFileType& gif() const { return *gif_; }
  const std::string& name() const { return name_; }
  /// How the picture that next_picture() has found is to be shown.
  const GraphicsControlBlock& control() const { return control_; }
  /// True once any picture had a delay.
  bool is_animated() const { return animated_; }

  /// Goes on to the next picture: its place and palette are in gif(), its pixels are to be read next. False at the end.
  bool next_picture() {
    control_ = no_control;
    for (;;) {
      GifRecordType type = UNDEFINED_RECORD_TYPE;
      run(DGifGetRecordType(gif_, &type));
      if (type == TERMINATE_RECORD_TYPE) return false;
      if (type == EXTENSION_RECORD_TYPE) read_extension();
      if (type != IMAGE_DESC_RECORD_TYPE) continue;
      run(DGifGetImageDesc(gif_));
      return true;
    }
  }
  void read_line(std::vector<uint8_t>& line) {
    run(DGifGetLine(gif_, line.data(), static_cast<int>(line.size())));
  }
  /// Passes over the pixels without decoding them.
  void skip_pixels() {
    int code_size = 0;
    GifByteType* block = nullptr;
    run(DGifGetCode(gif_, &code_size, &block));
    while (block) run(DGifGetCodeNext(gif_, &block));
  }
  /// The picture that was found is whole.
  void end_picture() { ++whole_; }

 private:
  [[noreturn]] void refuse(int error) const {
    const bool ended = bytes_.empty() && (error == D_GIF_ERR_READ_FAILED || error == D_GIF_ERR_EOF_TOO_SOON ||
                                          error == D_GIF_ERR_WRONG_RECORD || error == D_GIF_ERR_NO_SCRN_DSCR);
    const char* reason = GifErrorString(error);
    check<IoError>(!ended, "cannot read ", name_, ": cut off ", after_frame(whole_));
    fail<IoError>("cannot read ", name_, ": damaged ", after_frame(whole_), " (", reason ? reason : "giflib failed",
                  ")");
  }
  void run(int status) const {
    if (status != GIF_OK) refuse(gif_->Error);
  }

  void read_extension() {
    int code = 0;
    GifByteType* block = nullptr;  // its length, then its bytes
    run(DGifGetExtension(gif_, &code, &block));
    while (block) {
      if (code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control_) == GIF_OK)
        animated_ = animated_ || control_.DelayTime > 0;
      run(DGifGetExtensionNext(gif_, &block));
    }
  }

  std::string_view bytes_;  // not read yet
  std::string name_;
  GifFileType* gif_ = nullptr;
  GraphicsControlBlock control_ = no_control;
  bool animated_ = false;
  int64_t whole_ = 0;  // pictures that were read or skipped to their ends
};

/// What the pictures are painted on.
class Canvas {
 public:
  Canvas(int64_t height, int64_t width)
      : height_(height), width_(width), kept_(static_cast<size_t>(4 * height * width)), shown_(kept_) {}

  /// What is to be seen now, [H, W, 4], transparent where nothing was painted.
  const uint8_t* shown() const { return shown_.data(); }

  /// Reads the pixels of the picture that `reader` has found.
  void paint(Reader& reader) {
    const GifImageDesc& picture = reader.gif().Image;
    const ColorMapObject* map = picture.ColorMap ? picture.ColorMap : reader.gif().SColorMap;
    check<IoError>(map != nullptr, "cannot read ", reader.name(), ": a picture in it has no colours");
    shown_ = kept_;
    std::vector<uint8_t> line(static_cast<size_t>(picture.Width));
    // Interlaced rows come in four passes: every eighth from 0, from 4, every fourth from 2, every second from 1.
    constexpr std::array<int, 4> starts{0, 4, 2, 1}, steps{8, 8, 4, 2};
    for (size_t pass = 0; pass < (picture.Interlace ? starts.size() : 1); ++pass) {
      const int step = picture.Interlace ? steps[pass] : 1;
      for (int y = picture.Interlace ? starts[pass] : 0; y < picture.Height; y += step) {
        reader.read_line(line);
        paint_line(line, picture.Top + y, picture.Left, *map, reader.control().TransparentColor);
      }
    }
    reader.end_picture();
    if (reader.control().DisposalMode == DISPOSE_PREVIOUS) return;
    kept_ = shown_;
    if (reader.control().DisposalMode == DISPOSE_BACKGROUND) clear(picture);
  }

 private:
  uint8_t* pixel(std::vector<uint8_t>& pixels, int64_t y, int64_t x) const {
    return pixels.data() + 4 * (y * width_ + x);
  }
  /// A picture may reach beyond the canvas: how many of its pixels from `left` on are inside.
  int64_t pixels_inside(int64_t left, int64_t width) const {
    return std::clamp(width_ - left, int64_t{0}, width);
  }

  void paint_line(const std::vector<uint8_t>& line, int64_t y, int64_t left, const ColorMapObject& map, int clear) {
    const int64_t n = y < height_ ? pixels_inside(left, static_cast<int64_t>(line.size())) : 0;
    for (int64_t x = 0; x < n; ++x) {
      const int index = line[static_cast<size_t>(x)];
      if (index == clear || index >= map.ColorCount) continue;
      const GifColorType& color = map.Colors[index];
      uint8_t* to = pixel(shown_, y, left + x);
      to[0] = color.Red;
      to[1] = color.Green;
      to[2] = color.Blue;
      to[3] = 255;
    }
  }
  void clear(const GifImageDesc& picture) {
    const auto n = static_cast<size_t>(4 * pixels_inside(picture.Left, picture.Width));
    for (int64_t y = picture.Top; n > 0 && y < std::min<int64_t>(height_, picture.Top + picture.Height); ++y)
      std::memset(pixel(kept_, y, picture.Left), 0, n);
  }

  int64_t height_, width_;
  std::vector<uint8_t> kept_, shown_;  // kept_: what the next picture begins with
};

/// Pictures in the file, each within the limits.
int64_t count_pictures(std::string_view bytes, const std::string& name) {
  Reader reader(bytes, name);
  int64_t count = 0;
  while (reader.next_picture()) {
    check_announced_size(name, 1, reader.gif().Image.Height, reader.gif().Image.Width);
    reader.skip_pixels();
    reader.end_picture();
    check_announced_size(name, ++count, reader.gif().SHeight, reader.gif().SWidth);
  }
  return count;
}

}  // namespace

VideoFrames decode_gif(std::string_view bytes, const std::string& name) {
  const int64_t count = count_pictures(bytes, name);
  Reader reader(bytes, name);
  const int64_t height = reader.gif().SHeight, width = reader.gif().SWidth;
  FrameList frames(name, height, width);
  Canvas canvas(height, width);
  int64_t ticks = 0;
  while (frames.size() < count && reader.next_picture()) {
    canvas.paint(reader);
    rgba_over_white(canvas.shown(), height * width, frames.add());
    ticks += shown_ticks(reader.control().DelayTime, ticks_per_second);
  }
  // A single picture without a delay is no video; its rate says nothing.
  const bool still = count == 1 && !reader.is_animated();
  return {frames.take(), still ? default_fps : rate_of_ticks(count, ticks, ticks_per_second)};
}

}  // namespace ditharos::data
