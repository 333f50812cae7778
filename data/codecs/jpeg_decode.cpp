#include <ditharos/data/codecs/jpeg.h>

#include <utility>
#include <vector>

#include <ditharos/data/codecs/exif.h>
#include <ditharos/data/codecs/jpeg_calls.h>
#include <ditharos/data/codecs/pixels.h>

namespace ditharos::data {
namespace {

constexpr int most_scans = 100;

/// Owns libjpeg's structure. It is created by read_header, so that a failure of that has a place to jump to.
struct JpegDecoder {
  JpegDecoder() { jpeg.err = begin_errors(errors); }
  ~JpegDecoder() {
    if (created) jpeg_destroy_decompress(&jpeg);
  }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  JpegErrors errors;
  jpeg_decompress_struct jpeg{};
  jpeg_progress_mgr progress{};
  bool created = false;
};

/// A progressive image of a few bytes can ask for thousands of passes over all of its pixels.
void count_scans(j_common_ptr info) {
  const auto* jpeg = reinterpret_cast<j_decompress_ptr>(info);
  if (jpeg->input_scan_number <= most_scans) return;
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  std::snprintf(errors->text, sizeof errors->text, "it has more than %d scans", most_scans);
  std::longjmp(errors->jump, 1);
}

/// False with the reason in decoder.errors, here and below.
bool read_header(JpegDecoder& decoder, const unsigned char* bytes, unsigned long size) {
  if (setjmp(decoder.errors.jump)) return false;
  jpeg_create_decompress(&decoder.jpeg);
  decoder.created = true;
  decoder.progress.progress_monitor = count_scans;
  decoder.jpeg.progress = &decoder.progress;
  jpeg_mem_src(&decoder.jpeg, bytes, size);
  jpeg_save_markers(&decoder.jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&decoder.jpeg, TRUE);
  return true;
}

bool begin_rows(JpegDecoder& decoder, J_COLOR_SPACE colors) {
  if (setjmp(decoder.errors.jump)) return false;
  decoder.jpeg.out_color_space = colors;
  jpeg_start_decompress(&decoder.jpeg);
  return true;
}

/// Where rows go: one plane for each of the channels.
struct Planes {
  uint8_t* first;
  int64_t channels;
  Placement placement;
  bool inverted;  // CMYK as Adobe stores it
};

/// a b / 255, rounded
int product(int a, int b) { return (a * b + 127) / 255; }

/// A row of `width` pixels of 1, 3 or 4 components. Called between libjpeg's calls, so it throws nothing.
void put_row(const Planes& planes, const uint8_t* row, int64_t width, int components, int64_t y) noexcept {
  const Placement& to = planes.placement;
  const int64_t plane = to.height * to.width;
  uint8_t* pixel = planes.first + to.first + y * to.row_step;
  if (components == 3 && planes.channels == 3) {  // most photos
    for (int64_t x = 0; x < width; ++x, row += 3, pixel += to.column_step)
      pixel[0] = row[0], pixel[plane] = row[1], pixel[2 * plane] = row[2];
    return;
  }
  for (int64_t x = 0; x < width; ++x, row += components, pixel += to.column_step) {
    int rgb[3] = {row[0], row[0], row[0]};
    if (components == 3) rgb[1] = row[1], rgb[2] = row[2];
    if (components == 4) {
      for (int c = 0; c < 3; ++c)
        rgb[c] = planes.inverted ? product(row[c], row[3]) : product(255 - row[c], 255 - row[3]);
    }
    if (planes.channels == 1) {
      *pixel = static_cast<uint8_t>(luma(rgb[0], rgb[1], rgb[2]));
    } else {
      for (int c = 0; c < 3; ++c) pixel[c * plane] = static_cast<uint8_t>(rgb[c]);
    }
  }
}

/// All rows and what follows them up to the end of the image; `row` has space for one.
bool read_rows(JpegDecoder& decoder, uint8_t* row, const Planes& planes) {
  if (setjmp(decoder.errors.jump)) return false;
  jpeg_decompress_struct& jpeg = decoder.jpeg;
  while (jpeg.output_scanline < jpeg.output_height) {
    const int64_t y = jpeg.output_scanline;
    JSAMPROW rows[1] = {row};
    jpeg_read_scanlines(&jpeg, rows, 1);
    put_row(planes, row, jpeg.output_width, jpeg.output_components, y);
  }
  jpeg_finish_decompress(&jpeg);
  return true;
}

void check_decoded(bool ok, const JpegDecoder& decoder, const std::string& name) {
  check<IoError>(ok, "cannot read ", name, ": ", decoder.errors.text);
  check<IoError>(!decoder.errors.damaged, "cannot read ", name, ": its data are damaged or cut off (",
                 decoder.errors.text, ")");
}

int orientation_of(const jpeg_decompress_struct& jpeg) {
  for (auto marker = jpeg.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view contents(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (contents.starts_with("Exif")) return exif_orientation(contents);
  }
  return 1;
}

JpegInfo checked_info(JpegDecoder& decoder, std::string_view bytes, const std::string& name, int64_t max_pixels) {
  check<IoError>(bytes.starts_with("\xff\xd8\xff"), "cannot read ", name, ": it is not a JPEG file");
  check_decoded(read_header(decoder, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()), decoder,
                name);
  const jpeg_decompress_struct& jpeg = decoder.jpeg;
  const int64_t width = jpeg.image_width, height = jpeg.image_height;
  check<IoError>(jpeg.num_components == 1 || jpeg.num_components == 3 || jpeg.num_components == 4, "cannot read ", name,
                 ": it has ", jpeg.num_components, " colour components; 1, 3 and 4 are read");
  check<IoError>(jpeg.jpeg_color_space != JCS_UNKNOWN, "cannot read ", name, ": its colour space is not known");
  check_pixels(name, 1, height, width, max_pixels);
  // Every unit of 8 h x 8 v pixels takes at least one bit of Huffman codes: a header that announces more units than the
  // file has bits is refused before memory is allocated. Arithmetic codes have no such bound.
  const int64_t unit_width = 8 * jpeg.max_h_samp_factor, unit_height = 8 * jpeg.max_v_samp_factor;
  const int64_t units = ((width + unit_width - 1) / unit_width) * ((height + unit_height - 1) / unit_height);
  check<IoError>(jpeg.arith_code || units <= 8 * static_cast<int64_t>(bytes.size()), "cannot read ", name,
                 ": its header announces ", width, " x ", height, " pixels, more than a file of ", bytes.size(),
                 " bytes can hold");
  JpegInfo info{
      .width = width, .height = height, .color = jpeg.num_components > 1, .orientation = orientation_of(jpeg)};
  if (info.orientation >= 5) std::swap(info.width, info.height);
  return info;
}

}  // namespace

JpegInfo jpeg_info(std::string_view bytes, const std::string& name, int64_t max_pixels) {
  JpegDecoder decoder;
  return checked_info(decoder, bytes, name, max_pixels);
}

Tensor decode_jpeg(std::string_view bytes, int64_t channels, const std::string& name, int64_t max_pixels) {
  check<ShapeError>(channels == 1 || channels == 3, "[decode_jpeg] gives 1 channel (gray) or 3 (RGB), not ", channels);
  JpegDecoder decoder;
  const JpegInfo info = checked_info(decoder, bytes, name, max_pixels);
  const int components = decoder.jpeg.num_components;
  check_decoded(begin_rows(decoder, components == 1   ? JCS_GRAYSCALE
                                    : components == 3 ? JCS_RGB
                                                      : JCS_CMYK),
                decoder, name);

  const int64_t stored_height = decoder.jpeg.output_height, stored_width = decoder.jpeg.output_width;
  Tensor image({channels, info.height, info.width}, DType::u8);
  std::vector<uint8_t> row(static_cast<size_t>(stored_width * components));
  const Planes planes{image.mutable_data<uint8_t>(), channels,
                      placement_of(info.orientation, stored_height, stored_width),
                      decoder.jpeg.saw_Adobe_marker != FALSE};
  check_decoded(read_rows(decoder, row.data(), planes), decoder, name);
  return image;
}

}  // namespace ditharos::data
