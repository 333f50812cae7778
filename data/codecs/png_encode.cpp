#include <ditharos/data/codecs/png.h>

#include <csetjmp>

#include <ditharos/data/codecs/pixels.h>
#include <ditharos/data/codecs/png_calls.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::data {
namespace {

/// Owns libpng's two structures and the bytes that are written.
struct PngEncoder {
  PngEncoder() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &error, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
    if (!info) {
      png_destroy_write_struct(&png, nullptr);
      fail<Error>("[png] libpng has no memory");
    }
  }
  ~PngEncoder() { png_destroy_write_struct(&png, &info); }
  PngEncoder(const PngEncoder&) = delete;
  PngEncoder& operator=(const PngEncoder&) = delete;

  std::string bytes;
  ErrorText error;
  png_structp png = nullptr;
  png_infop info = nullptr;
};

bool append(std::string& to, const char* data, size_t n) noexcept {
  try {
    to.append(data, n);
    return true;
  } catch (...) {
    return false;
  }
}
void put_bytes(png_structp png, png_bytep data, size_t n) {
  auto* encoder = static_cast<PngEncoder*>(png_get_io_ptr(png));
  if (!append(encoder->bytes, reinterpret_cast<const char*>(data), n)) png_error(png, "out of memory");
}
void flush_nothing(png_structp) {}

bool write_all(PngEncoder& encoder, png_uint_32 width, png_uint_32 height, bool color, png_bytep* rows) {
  if (setjmp(png_jmpbuf(encoder.png))) return false;
  png_set_write_fn(encoder.png, &encoder, put_bytes, flush_nothing);
  png_set_IHDR(encoder.png, encoder.info, width, height, 8, color ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(encoder.png, encoder.info);
  png_write_image(encoder.png, rows);
  png_write_end(encoder.png, encoder.info);
  return true;
}

}  // namespace

std::string encode_png(const Tensor& image, const std::string& name) {
  check<DTypeError>(image.dtype() == DType::u8, "[encode_png] takes u8, got ", image.dtype());
  check<ShapeError>(image.rank() == 3 && (image.size(0) == 1 || image.size(0) == 3),
                    "[encode_png] takes [1, H, W] or [3, H, W], got ", image.shape());
  const int64_t channels = image.size(0), height = image.size(1), width = image.size(2);
  const bool fits =
      height > 0 && width > 0 && height <= max_png_side && width <= max_png_side && height * width <= max_png_pixels;
  check<ShapeError>(fits, "[encode_png] takes 1 to ", max_png_side, " pixels on a side and at most ", max_png_pixels,
                    " in all, got ", image.shape());

  const Tensor planes = kernels::contiguous(image);
  std::vector<uint8_t> pixels = interleave(planes.data<uint8_t>(), channels, height * width);  // [H, W, C]

  PngEncoder encoder;
  std::vector<png_bytep> rows = row_pointers(pixels, static_cast<size_t>(height));
  const bool ok =
      write_all(encoder, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), channels == 3, rows.data());
  check<IoError>(ok, "cannot write ", name, ": ", encoder.error.text.data());
  return std::move(encoder.bytes);
}

void write_png(const std::string& path, const Tensor& image) {
  const std::string bytes = encode_png(image, path);
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace ditharos::data
