#include <ditharos/data/codecs/webp_image.h>

#include <webp/decode.h>

#include <vector>

#include <ditharos/data/codecs/pixels.h>

namespace ditharos::data {
namespace {

const uint8_t* pointer(std::string_view bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

/// The little-endian size in a RIFF header, with the header's own eight bytes.
uint64_t riff_size(std::string_view bytes) {
  uint64_t size = 0;
  for (size_t i = 8; i-- > 4;) size = size << 8 | static_cast<unsigned char>(bytes[i]);
  return size + 8;
}

}  // namespace

WebpInfo webp_info(std::string_view bytes, const std::string& name, int64_t max_pixels) {
  check<IoError>(bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP", "cannot read ", name,
                 ": it is not a WebP file");
  check<IoError>(riff_size(bytes) <= bytes.size(), "cannot read ", name, ": the file is cut off: it claims ",
                 riff_size(bytes), " bytes and has ", bytes.size());
  WebPBitstreamFeatures features;
  check<IoError>(WebPGetFeatures(pointer(bytes), bytes.size(), &features) == VP8_STATUS_OK, "cannot read ", name,
                 ": its header is damaged");
  check<IoError>(!features.has_animation, "cannot read ", name, ": it is an animation, not a still image");
  check_pixels(name, 1, features.height, features.width, max_pixels);
  return {features.width, features.height};
}

bool is_webp_animation(std::string_view bytes) {
  WebPBitstreamFeatures features;
  return WebPGetFeatures(pointer(bytes), bytes.size(), &features) == VP8_STATUS_OK && features.has_animation;
}

Tensor decode_webp_image(std::string_view bytes, const std::string& name, int64_t max_pixels) {
  const WebpInfo info = webp_info(bytes, name, max_pixels);
  const int64_t n = info.width * info.height;
  std::vector<uint8_t> pixels(static_cast<size_t>(4 * n));  // [H, W, 4]
  const bool ok = WebPDecodeRGBAInto(pointer(bytes), bytes.size(), pixels.data(), pixels.size(),
                                     static_cast<int>(4 * info.width)) != nullptr;
  check<IoError>(ok, "cannot read ", name, ": its image data are damaged");
  Tensor image({4, info.height, info.width}, DType::u8);
  separate(pixels.data(), 4, n, image.mutable_data<uint8_t>());
  return image;
}

}  // namespace ditharos::data
