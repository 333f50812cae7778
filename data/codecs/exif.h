#pragma once
// Internal to data/codecs/.
// The orientation of a photo.
#include <cstdint>
#include <string_view>

namespace ditharos::data {

/// The orientation, 1..8, in the contents of an EXIF segment: "Exif", two zero bytes, and a TIFF header with the tag
/// 0x0112 in its first directory (CIPA DC-008, "Exchangeable image file format", 4.6). 1 where it is missing, damaged
/// or out of range: the image is whole without it.
int exif_orientation(std::string_view segment);

/// Where the pixels of a stored image [H, W] go in the plane of the image that is shown: pixel (y, x) to element
/// first + y * row_step + x * column_step.
struct Placement {
  int64_t height = 0, width = 0;  ///< of the plane
  int64_t first = 0, row_step = 0, column_step = 0;
};
/// For an orientation 1..8 of the EXIF standard: 1 upright, 2 mirrored, 3 turned by 180 degrees, 4 upside down, 5 to 8
/// with rows and columns exchanged.
Placement placement_of(int orientation, int64_t height, int64_t width);

}  // namespace ditharos::data
