#pragma once
// Image files of any format that is read: PNG, JPEG and WebP, recognised by their first bytes.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <ditharos/data/codecs/pixel_limit.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

enum class ImageFormat { png, jpeg, webp };
[[nodiscard]] const char* name_of(ImageFormat format);

/// Red, green and blue.
using Color = std::array<uint8_t, 3>;
inline constexpr Color white{255, 255, 255};
/// "white", "black", "gray", or six hexadecimal digits behind a number sign: "#ff8000". ConfigError that describes the
/// format; `what` names the setting.
[[nodiscard]] Color parse_color(const std::string& text, const std::string& what);

struct ImageDecoding {
  Color background = white;                 ///< shows where an image is transparent
  int64_t max_pixels = default_max_pixels;  ///< of one file; see pixel_limit.h
};

/// The header of an image.
struct ImageInfo {
  ImageFormat format = ImageFormat::png;
  int64_t height = 0, width = 0;  ///< as it is shown
  bool color = false;             ///< holds colours, not gray alone; true for every WebP
};

/// The endings, in lower case, of the names of files that are taken for images: the contents decide on the format.
inline constexpr std::array<const char*, 5> image_endings{".png", ".jpg", ".jpeg", ".jfif", ".webp"};
/// True for a name that ends in one of them, in any case.
[[nodiscard]] bool is_image_name(const std::string& name);

/// Reads the header only. `name` stands in messages. IoError when the bytes are of no format that is read (naming the
/// other one where it is known), when the header is damaged, or for more than `max_pixels` pixels.
[[nodiscard]] ImageInfo image_info(std::string_view bytes, const std::string& name, const ImageDecoding& options = {});
/// u8 [channels, H, W], channels 1 (gray, by BT.601's luma) or 3 (RGB). JPEGs are turned as their EXIF data say.
/// IoError with `name` and the reason when it is damaged.
Tensor decode_image(std::string_view bytes, int64_t channels, const std::string& name,
                    const ImageDecoding& options = {});

/// The bytes of an image file; IoError when it is missing, unreadable, or longer than an image of `max_pixels` can be.
[[nodiscard]] std::string read_image_file(const std::string& path, int64_t max_pixels = default_max_pixels);

}  // namespace ditharos::data
