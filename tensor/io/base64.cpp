#include <ditharos/tensor/io/base64.h>

#include <cstdint>

namespace ditharos {

std::string base64(std::string_view bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = bytes.size() - i;  // of the three bytes of a group, those that there are
    const auto byte = [&](size_t k) { return k < n ? uint32_t(static_cast<unsigned char>(bytes[i + k])) : 0; };
    const uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
    text += digits[group >> 18];
    text += digits[group >> 12 & 63];
    text += n > 1 ? digits[group >> 6 & 63] : '=';
    text += n > 2 ? digits[group & 63] : '=';
  }
  return text;
}

}  // namespace ditharos
