#pragma once
// Sliding windows of images as matrix rows (im2col) and their adjoint.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

struct Window {
  int64_t kernel = 1, stride = 1, padding = 0;  ///< square; padding in pixels on every side, zeros
  int64_t out(int64_t size) const { return (size + 2 * padding - kernel) / stride + 1; }
};

/// x [B, C, H, W] -> [B, Ho*Wo, C*kernel*kernel], columns in the order (c, ky, kx) of a convolution's weight.
Tensor unfold(const Tensor& x, const Window& window);
/// The adjoint: adds every column back to its pixel; `height`, `width` of the image. Returns [B, C, H, W].
Tensor fold(const Tensor& columns, int64_t channels, int64_t height, int64_t width, const Window& window);

}  // namespace ditharos::kernels
