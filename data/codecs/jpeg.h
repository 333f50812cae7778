#pragma once
// JPEG images to and from tensors, through libjpeg-turbo.
#include <cstdint>
#include <string>
#include <string_view>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// The header of a JPEG.
struct JpegInfo {
  int64_t width = 0, height = 0;  ///< as the image is shown: turned as its orientation says
  bool color = false;             ///< has more than one component
  int orientation = 1;            ///< 1..8, of the EXIF data; 1 where there are none, or none that can be
};

/// Reads up to the first scan only. `name` stands in messages. IoError when it is no JPEG, its header is damaged or of
/// a kind that is not read (12 bits, lossless, two components), or when it announces more than `max_pixels` pixels or
/// more than its bytes can hold.
[[nodiscard]] JpegInfo jpeg_info(std::string_view bytes, const std::string& name,
                                 int64_t max_pixels = default_max_pixels);

/// A JPEG, sequential or progressive, as u8 [channels, H, W], channels 1 (gray) or 3 (RGB), turned and mirrored as the
/// orientation of its EXIF data says. Gray, YCbCr, RGB, CMYK and YCCK are read; of CMYK, R = (1 - C)(1 - K) and so on,
/// where files with Adobe's marker store 1 - C. Colours become gray by ITU-R BT.601's luma, as those of decode_png.
/// Colour profiles are not applied. IoError with `name` and the reason when it is damaged: also where libjpeg would
/// only warn of missing or undecodable data, and for more than 100 scans.
Tensor decode_jpeg(std::string_view bytes, int64_t channels, const std::string& name,
                   int64_t max_pixels = default_max_pixels);

/// u8 [1, H, W] as gray or [3, H, W] as YCbCr with halved chroma (4:2:0), sequential, with quality 1..100. `name`
/// stands in messages. ShapeError for more than 65,500 pixels on a side.
[[nodiscard]] std::string encode_jpeg(const Tensor& image, int64_t quality, const std::string& name);

}  // namespace ditharos::data
