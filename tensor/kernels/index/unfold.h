#pragma once
// Sliding windows of images as matrix rows (im2col) and their adjoint.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

struct Window {
  Shape kernel{1, 1}, stride{1, 1}, padding{0, 0}, dilation{1, 1};  ///< {height, width}; padding on every side, zeros

  int64_t area() const { return kernel[0] * kernel[1]; }
  /// The number of windows along an axis (0: rows) of `size` elements.
  int64_t out(int axis, int64_t size) const {
    return (size + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis] + 1;
  }
};

/// x [B, C, H, W] -> [B, Ho*Wo, C*area], columns in the order (c, ky, kx) of a convolution's weight.
Tensor unfold(const Tensor& x, const Window& window);
/// The adjoint: adds every column back to its pixel; `height`, `width` of the image. Returns [B, C, H, W].
Tensor fold(const Tensor& columns, int64_t channels, int64_t height, int64_t width, const Window& window);

}  // namespace ditharos::kernels
