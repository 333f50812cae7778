#include <ditharos/data/codecs/png.h>

#include <algorithm>
#include <csetjmp>

#include <ditharos/data/codecs/pixels.h>
#include <ditharos/data/codecs/png_calls.h>
#include <ditharos/tensor/io/file.h>

namespace ditharos::data {
namespace {

constexpr size_t rgba = 4;

/// Owns libpng's two structures and the bytes that are read.
struct PngDecoder {
  explicit PngDecoder(std::string_view source) : bytes(source) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &error, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
    if (!info) {
      png_destroy_read_struct(&png, nullptr, nullptr);
      fail<Error>("[png] libpng has no memory");
    }
  }
  ~PngDecoder() { png_destroy_read_struct(&png, &info, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;

  std::string_view bytes;  // not read yet
  ErrorText error;
  png_structp png = nullptr;
  png_infop info = nullptr;
};

void take_bytes(png_structp png, png_bytep to, size_t n) {
  auto* decoder = static_cast<PngDecoder*>(png_get_io_ptr(png));
  if (n > decoder->bytes.size()) png_error(png, "the file is cut off");
  std::memcpy(to, decoder->bytes.data(), n);
  decoder->bytes.remove_prefix(n);
}

/// The big-endian number of four bytes.
uint32_t big_endian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// IoError unless the file has all the bytes that its chunks claim, up to the last chunk. libpng would allocate the
/// claimed size before it finds that bytes are missing. A chunk has 4 bytes of length, 4 of type, the contents, and 4
/// of checksum.
void check_chunks(std::string_view bytes, const std::string& name) {
  constexpr size_t signature = 8, before = 8, checksum = 4;
  for (bytes.remove_prefix(signature); !bytes.empty();) {
    check<IoError>(bytes.size() >= before, "cannot read ", name, ": the file is cut off");
    const uint32_t length = big_endian(bytes);
    const std::string type(bytes.substr(4, 4));
    const bool is_type =
        std::all_of(type.begin(), type.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
    const size_t left = bytes.size() - before;
    check<IoError>(left >= checksum && length <= left - checksum, "cannot read ", name,
                   ": the file is cut off: ", is_type ? "its chunk " + type : "a chunk", " claims ", length,
                   " bytes and a checksum, and ", left, " are left");
    if (type == "IEND") return;
    bytes.remove_prefix(before + length + checksum);
  }
}

/// False with the reason in decoder.error.
bool read_header(PngDecoder& decoder) {
  if (setjmp(png_jmpbuf(decoder.png))) return false;
  png_set_read_fn(decoder.png, &decoder, take_bytes);
  png_set_user_limits(decoder.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // checked_info has its own limits and messages
  // Texts, profiles and other chunks that do not affect the pixels are skipped.
  png_set_keep_unknown_chunks(decoder.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(decoder.png, decoder.info);
  return true;
}

/// Asks for eight bits of red, green, blue and alpha. False with the reason in decoder.error.
bool set_transforms(PngDecoder& decoder) {
  if (setjmp(png_jmpbuf(decoder.png))) return false;
  png_set_expand(decoder.png);  // palettes, fewer than eight bits, transparent colours
  png_set_scale_16(decoder.png);
  png_set_gray_to_rgb(decoder.png);
  png_set_add_alpha(decoder.png, 0xff, PNG_FILLER_AFTER);
  png_set_interlace_handling(decoder.png);
  png_read_update_info(decoder.png, decoder.info);
  if (png_get_rowbytes(decoder.png, decoder.info) != rgba * png_get_image_width(decoder.png, decoder.info)) {
    png_error(decoder.png, "libpng does not give eight-bit RGBA");
  }
  return true;
}

/// Reads all rows and the end of the file. False with the reason in decoder.error.
bool read_rows(PngDecoder& decoder, png_bytep* rows) {
  if (setjmp(png_jmpbuf(decoder.png))) return false;
  png_read_image(decoder.png, rows);
  png_read_end(decoder.png, nullptr);
  return true;
}

void check_decoded(bool ok, const PngDecoder& decoder, const std::string& name) {
  check<IoError>(ok, "cannot read ", name, ": ", decoder.error.text.data());
}

PngInfo checked_info(PngDecoder& decoder, const std::string& name, int64_t max_pixels) {
  const size_t size = decoder.bytes.size();
  const bool is_png = size >= 8 && png_sig_cmp(reinterpret_cast<png_const_bytep>(decoder.bytes.data()), 0, 8) == 0;
  check<IoError>(is_png, "cannot read ", name, ": it is not a PNG file");
  check_chunks(decoder.bytes, name);
  check_decoded(read_header(decoder), decoder, name);
  PngInfo info;
  info.width = png_get_image_width(decoder.png, decoder.info);
  info.height = png_get_image_height(decoder.png, decoder.info);
  info.color = (png_get_color_type(decoder.png, decoder.info) & PNG_COLOR_MASK_COLOR) != 0;
  check<IoError>(info.width <= max_png_side && info.height <= max_png_side, "cannot read ", name,
                 ": its header announces ", info.width, " x ", info.height, " pixels, more than ", max_png_side,
                 " on a side");
  check_pixels(name, 1, info.height, info.width, max_pixels);
  // Deflate compresses at most 1032 to 1 (RFC 1951): a header that claims more is refused before memory is allocated.
  const auto bits = int64_t{png_get_bit_depth(decoder.png, decoder.info)} * png_get_channels(decoder.png, decoder.info);
  check<IoError>(info.width * info.height / 8 * bits <= 1032 * static_cast<int64_t>(size), "cannot read ", name,
                 ": its header announces ", info.width, " x ", info.height, " pixels, more than a file of ", size,
                 " bytes can hold");
  return info;
}

/// RGBA pixels to gray. [H * W, 4] -> [H * W]
void to_gray(const std::vector<uint8_t>& pixels, uint8_t* out) {
  for (size_t i = 0; i < pixels.size() / rgba; ++i) {
    const uint8_t* p = &pixels[i * rgba];
    const int r = over_white(p[0], p[3]), g = over_white(p[1], p[3]), b = over_white(p[2], p[3]);
    out[i] = static_cast<uint8_t>(luma(r, g, b));
  }
}

}  // namespace

PngInfo png_info(std::string_view bytes, const std::string& name, int64_t max_pixels) {
  PngDecoder decoder(bytes);
  return checked_info(decoder, name, max_pixels);
}

Tensor decode_png(std::string_view bytes, int64_t channels, const std::string& name, int64_t max_pixels) {
  check<ShapeError>(channels == 1 || channels == 3 || channels == 4,
                    "[decode_png] gives 1 channel (gray), 3 (RGB) or 4 (RGB and opacity), not ", channels);
  PngDecoder decoder(bytes);
  const PngInfo info = checked_info(decoder, name, max_pixels);
  check_decoded(set_transforms(decoder), decoder, name);

  std::vector<uint8_t> pixels(rgba * static_cast<size_t>(info.width * info.height));  // [H, W, 4]
  std::vector<png_bytep> rows = row_pointers(pixels, static_cast<size_t>(info.height));
  check_decoded(read_rows(decoder, rows.data()), decoder, name);

  Tensor image({channels, info.height, info.width}, DType::u8);
  uint8_t* planes = image.mutable_data<uint8_t>();
  const int64_t n = info.height * info.width;
  if (channels == 1) to_gray(pixels, planes);
  if (channels == 3) rgba_over_white(pixels.data(), n, planes);
  if (channels == 4) separate(pixels.data(), channels, n, planes);
  return image;
}

std::string read_png_file(const std::string& path, int64_t max_pixels) {
  check<ConfigError>(max_pixels >= 1, "[read_png] max_pixels must be at least 1, got ", max_pixels);
  return read_file(path, most_image_bytes(max_pixels));
}

Tensor read_png(const std::string& path, int64_t channels, int64_t max_pixels) {
  return decode_png(read_png_file(path, max_pixels), channels, path, max_pixels);
}

}  // namespace ditharos::data
