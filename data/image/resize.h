#pragma once
// Changing the size of an image.
#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// How the pixels of another size are made.
enum class Resample {
  /// The mean of the old pixels that a new one covers, weighted by area.
  area,
  /// Lanczos' kernel sinc(x) sinc(x / 3), |x| < 3, widened by the factor of the reduction, as Pillow's LANCZOS:
  /// sharper, with slight overshoot at edges. Columns first, each pass clamped to the range of a byte.
  lanczos,
};

/// The largest part of `image` u8 [C, H, W] around its middle with the proportions height : width, made smaller
/// (or larger) to u8 [C, height, width] and rounded. ShapeError unless the image has pixels and both sizes are
/// positive.
Tensor center_crop_resize(const Tensor& image, int64_t height, int64_t width, Resample method = Resample::area);

/// The whole of `image` in this size, its proportions changed, resampled in the same way.
Tensor stretch(const Tensor& image, int64_t height, int64_t width, Resample method = Resample::area);

}  // namespace ditharos::data
