#pragma once
// Changing the size of an image.
#include <ditharos/tensor/tensor.h>

namespace ditharos::data {

/// The largest part of `image` u8 [C, H, W] around its middle with the proportions height : width, averaged down (or
/// up) to u8 [C, height, width]: every new pixel is the mean of the old ones that it covers, weighted by area, rounded.
/// ShapeError unless the image has pixels and both sizes are positive.
Tensor center_crop_resize(const Tensor& image, int64_t height, int64_t width);

/// The whole of `image` in this size, its proportions changed, averaged in the same way.
Tensor stretch(const Tensor& image, int64_t height, int64_t width);

}  // namespace ditharos::data
