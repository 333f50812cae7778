#pragma once
// Sampling of images at computed positions.
#include <ditharos/tensor/tensor.h>

namespace ditharos {

enum class GridPadding { zeros, border };
struct GridSampleOptions {
  bool nearest = false;                      ///< else bilinear
  GridPadding padding = GridPadding::zeros;  ///< what is read beyond the edges: 0 or the pixel at the edge
  bool align_corners = false;                ///< whether -1 and 1 mean the centres of the outermost pixels or edges
};
/// x [B, C, H, W] read at the positions grid [B, h, w, 2], (x, y) from -1 (left, top) to 1 -> [B, C, h, w]
/// (Jaderberg et al. 2015).
Tensor grid_sample(const Tensor& x, const Tensor& grid, const GridSampleOptions& options = {});

}  // namespace ditharos
