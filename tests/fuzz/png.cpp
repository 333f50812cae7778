#include <zlib.h>

#include <ditharos/data/codecs/png.h>
#include "tests/fuzz/fuzz.h"

namespace ditharos::tests {
namespace {

/// The checksums of all whole chunks made right: without this no changed byte would come further than to them.
std::string with_chunk_checksums(std::string bytes) {
  const auto number = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
  };
  for (size_t at = 8; at + 12 <= bytes.size();) {
    const size_t length = number(at);
    if (length > bytes.size() - at - 12) break;
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(&bytes[at + 4]), static_cast<uInt>(length + 4));
    for (size_t i = 0; i < 4; ++i) bytes[at + 8 + length + i] = static_cast<char>(crc >> (24 - 8 * i) & 255);
    at += 12 + length;
  }
  return bytes;
}

void decode(std::string_view bytes) {
  const data::PngInfo info = data::png_info(bytes, "a", fuzz_pixels);
  for (const long channels : {1, 3, 4}) {
    const Tensor image = data::decode_png(bytes, channels, "a", fuzz_pixels);
    demand(image.shape() == Shape{channels, info.height, info.width}, "the size that the header says");
  }
}

}  // namespace

void fuzz_png(std::string_view bytes) {
  fuzz_one(decode, bytes);
  decode(with_chunk_checksums(std::string(bytes)));
}

}  // namespace ditharos::tests
