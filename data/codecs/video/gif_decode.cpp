// GIF, animated or not, through giflib: frames are composed as the file says.
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include <ditharos/data/codecs/pixels.h>
#include <ditharos/data/codecs/video/gif.h>
#include <ditharos/data/codecs/video/video_formats.h>

namespace ditharos::data {
namespace {

constexpr int64_t gif_ticks_per_second = 100;

/// The source of bytes for giflib.
struct Source {
  std::string_view left;
  bool took_zero = false;  // the last read was a single 0 byte: the length that ends a sequence of data blocks
};

int take_bytes(GifFileType* gif, GifByteType* to, int n) {
  auto* source = static_cast<Source*>(gif->UserData);
  const size_t taken = std::min(source->left.size(), static_cast<size_t>(n));
  std::memcpy(to, source->left.data(), taken);
  source->left.remove_prefix(taken);
  source->took_zero = taken == 1 && n == 1 && *to == 0;
  return static_cast<int>(taken);
}

constexpr GraphicsControlBlock no_control{DISPOSAL_UNSPECIFIED, false, 0, NO_TRANSPARENT_COLOR};

/// One pass over the file's records.
class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name) : source_{bytes}, name_(name) {
    check<IoError>(bytes.starts_with("GIF8"), "cannot read ", name, ": it is not a GIF file");
    int error = 0;
    gif_ = DGifOpen(&source_, take_bytes, &error);
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
  /// The delay, disposal and transparency of the image that next_image() has found.
  const GraphicsControlBlock& control() const { return control_; }
  /// True once any image had a delay.
  bool is_animated() const { return animated_; }

  /// Moves to the next image: its position and palette are in gif(), its pixels are read next. False at the end of the
  /// file; after a whole image the trailer may be missing.
  bool next_image() {
    control_ = no_control;
    for (;;) {
      skip_padding();
      if (source_.left.empty() && whole_ > 0) return false;
      GifRecordType type = UNDEFINED_RECORD_TYPE;
      run(DGifGetRecordType(gif_, &type));
      if (type == TERMINATE_RECORD_TYPE) return false;
      if (type == EXTENSION_RECORD_TYPE) read_extension();
      if (type != IMAGE_DESC_RECORD_TYPE) continue;
      run(DGifGetImageDesc(gif_));
      return true;
    }
  }
  /// Reads the next line of pixels. False when the image's data end in it: missing pixels keep their values in `line`,
  /// and there are no further lines.
  bool read_line(std::vector<uint8_t>& line) {
    if (DGifGetLine(gif_, line.data(), static_cast<int>(line.size())) == GIF_OK) return true;
    if (gif_->Error == D_GIF_ERR_EOF_TOO_SOON) {  // giflib's name for the code that ends the data
      skip_blocks();
      return false;
    }
    if (gif_->Error != D_GIF_ERR_IMAGE_DEFECT || !source_.took_zero) refuse(gif_->Error);
    return false;  // the blocks ended without that code
  }
  /// Skips the pixels without decoding them.
  void skip_pixels() {
    int code_size = 0;
    GifByteType* block = nullptr;
    run(DGifGetCode(gif_, &code_size, &block));
    if (block) skip_blocks();
  }
  /// Call when the present image is whole.
  void end_image() { ++whole_; }

 private:
  [[noreturn]] void refuse(int error) const {
    const bool ended = source_.left.empty() && (error == D_GIF_ERR_READ_FAILED || error == D_GIF_ERR_EOF_TOO_SOON ||
                                                error == D_GIF_ERR_WRONG_RECORD || error == D_GIF_ERR_NO_SCRN_DSCR);
    const char* reason = GifErrorString(error);
    check<IoError>(!ended, "cannot read ", name_, ": cut off ", after_frame(whole_));
    fail<IoError>("cannot read ", name_, ": damaged ", after_frame(whole_), " (", reason ? reason : "giflib failed",
                  ")");
  }
  void run(int status) const {
    if (status != GIF_OK) refuse(gif_->Error);
  }

  /// Skips zeros and line ends between the file's records, which some writers add.
  void skip_padding() {
    const size_t next = source_.left.find_first_not_of(std::string_view("\0\r\n", 3));
    source_.left.remove_prefix(std::min(next, source_.left.size()));
  }
  /// Skips the rest of an image's data.
  void skip_blocks() {
    GifByteType* block = nullptr;
    do run(DGifGetCodeNext(gif_, &block));
    while (block);
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

  Source source_;
  std::string name_;
  GifFileType* gif_ = nullptr;
  GraphicsControlBlock control_ = no_control;
  bool animated_ = false;
  int64_t whole_ = 0;  // images that were read or skipped to their ends
};

/// The canvas on which images are composed.
class Canvas {
 public:
  Canvas(int64_t height, int64_t width)
      : height_(height), width_(width), shown_(static_cast<size_t>(4 * height * width)) {}

  /// The present content, [H, W, 4], transparent where nothing was drawn.
  const uint8_t* shown() const { return shown_.data(); }

  /// Reads the pixels of the image that `reader` has found.
  void paint(Reader& reader) {
    const GifImageDesc& image = reader.gif().Image;
    const ColorMapObject* map = image.ColorMap ? image.ColorMap : reader.gif().SColorMap;
    check<IoError>(map != nullptr, "cannot read ", reader.name(), ": an image in it has no colours");
    dispose();
    before_ = {};
    if (reader.control().DisposalMode == DISPOSE_PREVIOUS) before_ = shown_;
    if (image.Width == 0 || image.Height == 0) reader.skip_pixels();
    else paint_lines(reader, image, *map);
    reader.end_image();
    disposal_ = reader.control().DisposalMode;
    last_ = {image.Left, image.Top, image.Width, image.Height};
  }

 private:
  uint8_t* pixel(std::vector<uint8_t>& pixels, int64_t y, int64_t x) const {
    return pixels.data() + 4 * (y * width_ + x);
  }
  /// An image may reach beyond the canvas: how many of its pixels from `left` on are inside.
  int64_t pixels_inside(int64_t left, int64_t width) const { return std::clamp(width_ - left, int64_t{0}, width); }

  /// Pixels that are missing in the data are not changed.
  void paint_lines(Reader& reader, const GifImageDesc& image, const ColorMapObject& map) {
    // Interlaced rows come in four passes: every eighth from 0, from 4, every fourth from 2, every second from 1.
    constexpr std::array<int, 4> starts{0, 4, 2, 1}, steps{8, 8, 4, 2};
    const int clear = reader.control().TransparentColor;
    const auto missing = static_cast<uint8_t>(clear >= 0 ? clear : 255);
    for (size_t pass = 0; pass < (image.Interlace ? starts.size() : 1); ++pass) {
      const int step = image.Interlace ? steps[pass] : 1;
      for (int y = image.Interlace ? starts[pass] : 0; y < image.Height; y += step) {
        std::vector<uint8_t> line(static_cast<size_t>(image.Width), missing);
        const bool whole = reader.read_line(line);
        while (!whole && !line.empty() && line.back() == missing) line.pop_back();
        paint_line(line, image.Top + y, image.Left, map, clear);
        if (!whole) return;
      }
    }
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
  /// Applies the disposal of the last image before the next one.
  void dispose() {
    if (disposal_ == DISPOSE_PREVIOUS) shown_.swap(before_);
    if (disposal_ != DISPOSE_BACKGROUND) return;
    const auto n = static_cast<size_t>(4 * pixels_inside(last_.left, last_.width));
    for (int64_t y = last_.top; n > 0 && y < std::min(height_, last_.top + last_.height); ++y)
      std::memset(pixel(shown_, y, last_.left), 0, n);
  }

  int64_t height_, width_;
  std::vector<uint8_t> shown_, before_;  // before_: the pixels under an image that is removed after it was shown
  int disposal_ = DISPOSAL_UNSPECIFIED;
  struct {
    int64_t left, top, width, height;
  } last_{};
};

/// Images in the file, each within the limits.
int64_t count_images(std::string_view bytes, const std::string& name, int64_t max_pixels) {
  Reader reader(bytes, name);
  int64_t count = 0;
  while (reader.next_image()) {
    const GifImageDesc& image = reader.gif().Image;
    const bool empty = image.Width == 0 || image.Height == 0;  // such a frame repeats the previous one
    if (!empty) check_announced_size(name, 1, image.Height, image.Width, max_pixels);
    reader.skip_pixels();
    reader.end_image();
    check_announced_size(name, ++count, reader.gif().SHeight, reader.gif().SWidth, max_pixels);
  }
  return count;
}

}  // namespace

VideoFrames decode_gif(std::string_view bytes, const std::string& name, int64_t max_pixels) {
  const int64_t count = count_images(bytes, name, max_pixels);
  Reader reader(bytes, name);
  const int64_t height = reader.gif().SHeight, width = reader.gif().SWidth;
  FrameList frames(name, count, height, width, max_pixels);
  Canvas canvas(height, width);
  int64_t ticks = 0;
  while (frames.size() < count && reader.next_image()) {
    canvas.paint(reader);
    rgba_over_white(canvas.shown(), height * width, frames.add());
    ticks += shown_ticks(reader.control().DelayTime, gif_ticks_per_second);
  }
  // A single image without a delay is no video; its rate says nothing.
  const bool still = count == 1 && !reader.is_animated();
  const int aspect = reader.gif().AspectByte;  // 0: not said
  const Tensor square = square_pixels(frames.take(), aspect == 0 ? 1 : (aspect + 15) / 64.0, name, max_pixels);
  return {square, still ? default_fps : rate_of_ticks(count, ticks, gif_ticks_per_second)};
}

}  // namespace ditharos::data
