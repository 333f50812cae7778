#pragma once
// Small clips for tests of video files.
#include <cstdint>

#include <ditharos/tensor/random.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::tests {

/// Every byte at random, u8 [F, 3, H, W].
inline Tensor noise_clip(int64_t frames, int64_t height, int64_t width, uint64_t seed = 1) {
  const Tensor values = Generator(seed).randint(0, 256, {frames, 3, height, width});
  Tensor clip(values.shape(), DType::u8);
  for (int64_t i = 0; i < clip.numel(); ++i)
    clip.mutable_data<uint8_t>()[i] = static_cast<uint8_t>(values.data<int64_t>()[i]);
  return clip;
}

/// A red square that moves one pixel right a frame over a smooth sky, u8 [F, 3, H, W]: few pixels change.
inline Tensor square_clip(int64_t frames, int64_t height, int64_t width) {
  Tensor clip({frames, 3, height, width}, DType::u8);
  uint8_t* to = clip.mutable_data<uint8_t>();
  for (int64_t f = 0; f < frames; ++f) {
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t y = 0; y < height; ++y) {
        for (int64_t x = 0; x < width; ++x) {
          const bool inside = y >= height / 3 && y < 2 * height / 3 && x >= f && x < f + width / 3;
          const int64_t sky = 110 + 50 * c - 90 * y / height + 30 * x / width;
          *to++ = static_cast<uint8_t>(inside ? (c == 0 ? 220 : 20) : sky);
        }
      }
    }
  }
  return clip;
}

/// Largest difference of two u8 tensors of one shape; 256 where the shapes differ.
inline int largest_difference(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return 256;
  int largest = 0;
  for (int64_t i = 0; i < a.numel(); ++i) {
    const int difference = int(a.data<uint8_t>()[i]) - int(b.data<uint8_t>()[i]);
    largest = difference > largest ? difference : -difference > largest ? -difference : largest;
  }
  return largest;
}

}  // namespace ditharos::tests
