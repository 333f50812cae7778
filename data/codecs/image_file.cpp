#include <ditharos/data/codecs/image_file.h>

#include <algorithm>
#include <charconv>

#include <ditharos/data/codecs/jpeg.h>
#include <ditharos/data/codecs/pixels.h>
#include <ditharos/data/codecs/png.h>
#include <ditharos/data/codecs/video/frame_folder.h>
#include <ditharos/data/codecs/webp_image.h>
#include <ditharos/tensor/error.h>

namespace ditharos::data {
namespace {

constexpr std::string_view png_mark("\x89PNG\r\n\x1a\n", 8), jpeg_mark("\xff\xd8\xff", 3);

bool has(std::string_view bytes, size_t at, std::string_view mark) {
  return bytes.size() >= at + mark.size() && bytes.substr(at, mark.size()) == mark;
}

/// A format that is not read, by its first bytes; "" for unknown ones.
const char* other_format(std::string_view bytes) {
  if (bytes.starts_with("GIF8")) return "a GIF";
  if (bytes.starts_with("BM")) return "a BMP";
  if (has(bytes, 0, std::string_view("II*\0", 4)) || has(bytes, 0, std::string_view("MM\0*", 4))) return "a TIFF";
  if (has(bytes, 4, "ftypavif")) return "an AVIF";
  if (has(bytes, 4, "ftyphei") || has(bytes, 4, "ftypmif1")) return "a HEIC";
  if (has(bytes, 4, "JXL ") || bytes.starts_with("\xff\x0a")) return "a JPEG XL";
  if (bytes.starts_with("<?xml") || bytes.starts_with("<svg")) return "an SVG";
  return "";
}

ImageFormat format_of(std::string_view bytes, const std::string& name) {
  if (bytes.starts_with(png_mark)) return ImageFormat::png;
  if (bytes.starts_with(jpeg_mark)) return ImageFormat::jpeg;
  if (bytes.starts_with("RIFF") && has(bytes, 8, "WEBP")) return ImageFormat::webp;
  check<IoError>(!bytes.empty(), "cannot read ", name, ": the file is empty");
  const std::string other = other_format(bytes);
  fail<IoError>("cannot read ", name, ": ", other.empty() ? "it is no image" : "it is " + other + " image",
                "; PNG, JPEG and WebP are read");
}

/// [4, H, W] over the ground, as [channels, H, W]
Tensor over(const Tensor& rgba, const Color& ground, int64_t channels) {
  const int64_t n = rgba.size(1) * rgba.size(2);
  Tensor image({channels, rgba.size(1), rgba.size(2)}, DType::u8);
  const uint8_t* from = rgba.data<uint8_t>();
  uint8_t* to = image.mutable_data<uint8_t>();
  for (int64_t i = 0; i < n; ++i) {
    int rgb[3];
    for (int64_t c = 0; c < 3; ++c)
      rgb[c] = over_ground(from[c * n + i], from[3 * n + i], ground[static_cast<size_t>(c)]);
    if (channels == 1) to[i] = static_cast<uint8_t>(luma(rgb[0], rgb[1], rgb[2]));
    for (int64_t c = 0; c < 3 && channels == 3; ++c) to[c * n + i] = static_cast<uint8_t>(rgb[c]);
  }
  return image;
}

}  // namespace

const char* name_of(ImageFormat format) {
  switch (format) {
    case ImageFormat::png: return "PNG";
    case ImageFormat::jpeg: return "JPEG";
    case ImageFormat::webp: return "WebP";
  }
  return "";
}

Color parse_color(const std::string& text, const std::string& what) {
  if (text == "white") return white;
  if (text == "black") return {0, 0, 0};
  if (text == "gray") return {128, 128, 128};
  unsigned number = 0;
  const char* const end = text.data() + text.size();
  const bool ok = text.size() == 7 && text[0] == '#' && std::from_chars(text.data() + 1, end, number, 16).ptr == end;
  check<ConfigError>(ok, what, ": \"", text,
                     "\" is not a colour; write white, black, gray, or six hexadecimal digits such as #ff8000");
  return {static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8 & 255),
          static_cast<uint8_t>(number & 255)};
}

bool is_image_name(const std::string& name) {
  return std::any_of(image_endings.begin(), image_endings.end(),
                     [&](const char* ending) { return has_ending(name, ending); });
}

ImageInfo image_info(std::string_view bytes, const std::string& name, const ImageDecoding& options) {
  const ImageFormat format = format_of(bytes, name);
  switch (format) {
    case ImageFormat::png: {
      const PngInfo info = png_info(bytes, name, options.max_pixels);
      return {format, info.height, info.width, info.color};
    }
    case ImageFormat::jpeg: {
      const JpegInfo info = jpeg_info(bytes, name, options.max_pixels);
      return {format, info.height, info.width, info.color};
    }
    case ImageFormat::webp: {
      const WebpInfo info = webp_info(bytes, name, options.max_pixels);
      return {format, info.height, info.width, true};
    }
  }
  return {};
}

Tensor decode_image(std::string_view bytes, int64_t channels, const std::string& name, const ImageDecoding& options) {
  check<ShapeError>(channels == 1 || channels == 3, "[decode_image] gives 1 channel (gray) or 3 (RGB), not ", channels);
  switch (format_of(bytes, name)) {
    case ImageFormat::png:
      if (options.background == white) return decode_png(bytes, channels, name, options.max_pixels);
      return over(decode_png(bytes, 4, name, options.max_pixels), options.background, channels);
    case ImageFormat::jpeg: return decode_jpeg(bytes, channels, name, options.max_pixels);
    case ImageFormat::webp: break;
  }
  return over(decode_webp_image(bytes, name, options.max_pixels), options.background, channels);
}

std::string read_image_file(const std::string& path, int64_t max_pixels) { return read_png_file(path, max_pixels); }

}  // namespace ditharos::data
