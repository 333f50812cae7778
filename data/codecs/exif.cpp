#include <ditharos/data/codecs/exif.h>

#include <cstddef>

namespace ditharos::data {
namespace {

constexpr std::string_view exif_mark("Exif\0\0", 6);
constexpr uint64_t orientation_tag = 0x0112, short_type = 3, entry_size = 12;

/// The TIFF data behind the mark, with numbers in its order of bytes. Reads outside of it give 0.
struct Tiff {
  std::string_view bytes;
  bool big = false;

  uint64_t number(uint64_t at, uint64_t size) const {
    if (at > bytes.size() || size > bytes.size() - at) return 0;
    uint64_t value = 0;
    for (uint64_t i = 0; i < size; ++i)
      value = value << 8 | static_cast<unsigned char>(bytes[at + (big ? i : size - 1 - i)]);
    return value;
  }
};

}  // namespace

int exif_orientation(std::string_view segment) {
  if (!segment.starts_with(exif_mark)) return 1;
  Tiff tiff{segment.substr(exif_mark.size())};
  tiff.big = tiff.bytes.starts_with("MM");
  if ((!tiff.big && !tiff.bytes.starts_with("II")) || tiff.number(2, 2) != 42) return 1;
  const uint64_t directory = tiff.number(4, 4), count = tiff.number(directory, 2);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t entry = directory + 2 + i * entry_size;
    if (tiff.number(entry, 2) != orientation_tag || tiff.number(entry + 2, 2) != short_type) continue;
    const uint64_t value = tiff.number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Placement placement_of(int orientation, int64_t height, int64_t width) {
  const bool exchanged = orientation >= 5;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  Placement placement{height, width, 0, width, 1};
  if (exchanged) placement = {width, height, 0, 1, height};
  if (from_bottom) {
    placement.first += (height - 1) * placement.row_step;
    placement.row_step = -placement.row_step;
  }
  if (from_right) {
    placement.first += (width - 1) * placement.column_step;
    placement.column_step = -placement.column_step;
  }
  return placement;
}

}  // namespace ditharos::data
