#pragma once
// Sampling of images at computed positions.
#include <ditharos/autograd/ops/vision/interpolation.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// What is read beyond the edges: 0, the pixel at the edge, or the mirror image.
enum class GridPadding { zeros, border, reflection };
struct GridSampleOptions {
  Interpolation mode = Interpolation::bilinear;  ///< nearest, bilinear (in a volume: trilinear), or bicubic of images
  GridPadding padding = GridPadding::zeros;
  bool align_corners = false;  ///< whether -1 and 1 mean the centres of the outermost pixels or edges
};
/// x [B, C, H, W] read at the positions grid [B, h, w, 2], (x, y) from -1 (left, top) to 1 -> [B, C, h, w]
/// (Jaderberg et al. 2015). Volumes [B, C, D, H, W] likewise at grid [B, d, h, w, 3], (x, y, z).
Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& options = {});

}  // namespace ditharos
