#include <ditharos/data/codecs/jpeg_calls.h>

#include <jerror.h>

#include <utility>

#include <ditharos/data/codecs/jpeg.h>
#include <ditharos/data/codecs/pixels.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::data {
namespace {

/// libjpeg's destination with the bytes that it was given. `manager` is first: libjpeg knows only the pointer to it.
struct Destination {
  jpeg_destination_mgr manager{};
  JOCTET buffer[4096];
  std::string bytes;
};

/// Owns libjpeg's structure and the bytes that it writes.
struct JpegEncoder {
  JpegEncoder() { jpeg.err = begin_errors(errors); }
  ~JpegEncoder() {
    if (created) jpeg_destroy_compress(&jpeg);
  }
  JpegEncoder(const JpegEncoder&) = delete;
  JpegEncoder& operator=(const JpegEncoder&) = delete;

  JpegErrors errors;
  jpeg_compress_struct jpeg{};
  Destination destination;
  bool created = false;
};

/// Appends n bytes of the buffer and empties it. False when memory is short.
bool flush(Destination& to, size_t n) noexcept {
  to.manager.next_output_byte = to.buffer;
  to.manager.free_in_buffer = sizeof to.buffer;
  try {
    to.bytes.append(reinterpret_cast<const char*>(to.buffer), n);
    return true;
  } catch (...) {
    return false;
  }
}
Destination& destination_of(j_compress_ptr jpeg) { return *reinterpret_cast<Destination*>(jpeg->dest); }
void flush_or_fail(j_compress_ptr jpeg, size_t n) {
  if (!flush(destination_of(jpeg), n)) ERREXIT1(jpeg, JERR_OUT_OF_MEMORY, 0);
}

void on_begin(j_compress_ptr jpeg) { flush_or_fail(jpeg, 0); }
boolean on_full(j_compress_ptr jpeg) {
  flush_or_fail(jpeg, sizeof destination_of(jpeg).buffer);
  return TRUE;
}
void on_end(j_compress_ptr jpeg) {
  const Destination& to = destination_of(jpeg);
  flush_or_fail(jpeg, sizeof to.buffer - to.manager.free_in_buffer);
}

/// `pixels` [H, W, components]. False with the reason in encoder.errors.
bool write_all(JpegEncoder& encoder, const uint8_t* pixels, int64_t width, int64_t height, int components,
               int quality) {
  if (setjmp(encoder.errors.jump)) return false;
  jpeg_compress_struct& jpeg = encoder.jpeg;
  jpeg_create_compress(&jpeg);
  encoder.created = true;
  encoder.destination.manager.init_destination = on_begin;
  encoder.destination.manager.empty_output_buffer = on_full;
  encoder.destination.manager.term_destination = on_end;
  jpeg.dest = &encoder.destination.manager;
  jpeg.image_width = static_cast<JDIMENSION>(width);
  jpeg.image_height = static_cast<JDIMENSION>(height);
  jpeg.input_components = components;
  jpeg.in_color_space = components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, quality, TRUE);
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    JSAMPROW rows[1] = {const_cast<JSAMPROW>(pixels + jpeg.next_scanline * width * components)};
    jpeg_write_scanlines(&jpeg, rows, 1);
  }
  jpeg_finish_compress(&jpeg);
  return true;
}

}  // namespace

std::string encode_jpeg(const Tensor& image, int64_t quality, const std::string& name) {
  check<DTypeError>(image.dtype() == DType::u8, "[encode_jpeg] takes u8, got ", image.dtype());
  check<ShapeError>(image.rank() == 3 && (image.size(0) == 1 || image.size(0) == 3),
                    "[encode_jpeg] takes [1, H, W] or [3, H, W], got ", image.shape());
  check<ConfigError>(quality >= 1 && quality <= 100, "[encode_jpeg] takes a quality of 1..100, got ", quality);
  const int64_t channels = image.size(0), height = image.size(1), width = image.size(2);
  check<ShapeError>(height > 0 && width > 0 && height <= JPEG_MAX_DIMENSION && width <= JPEG_MAX_DIMENSION,
                    "[encode_jpeg] takes 1 to ", JPEG_MAX_DIMENSION, " pixels on a side, got ", image.shape());
  const Tensor planes = kernels::contiguous(image);
  const std::vector<uint8_t> pixels = interleave(planes.data<uint8_t>(), channels, height * width);

  JpegEncoder encoder;
  const bool ok =
      write_all(encoder, pixels.data(), width, height, static_cast<int>(channels), static_cast<int>(quality));
  check<IoError>(ok, "cannot write ", name, ": ", encoder.errors.text);
  return std::move(encoder.destination.bytes);
}

}  // namespace ditharos::data
