#pragma once
// Internal to data/codecs/.
// Shared by reading and writing through libpng. Included only by png_decode.cpp and png_encode.cpp.
//
// libpng reports an error by longjmp out of its own frames. A longjmp over a C++ object with a destructor is undefined,
// and so is an exception thrown through C. Hence every function here that calls setjmp or is called back by libpng
// holds plain values only; objects are owned by their callers, and errors are texts in a fixed buffer that the caller
// throws.
#include <png.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

namespace ditharos::data {

/// The reason that libpng gave; structures are created with it as their error pointer.
struct ErrorText {
  std::array<char, 160> text{};
};

inline void on_error(png_structp png, png_const_charp message) {
  auto* error = static_cast<ErrorText*>(png_get_error_ptr(png));
  std::strncpy(error->text.data(), message, error->text.size() - 1);
  png_longjmp(png, 1);
}
inline void on_warning(png_structp, png_const_charp) {}

/// Where each row of `pixels` begins.
inline std::vector<png_bytep> row_pointers(std::vector<uint8_t>& pixels, size_t height) {
  std::vector<png_bytep> rows(height);
  for (size_t y = 0; y < height; ++y) rows[y] = pixels.data() + y * (pixels.size() / height);
  return rows;
}

}  // namespace ditharos::data
