#pragma once
// Clips and images to spacetime patches and back: step [1] of a diffusion transformer, and its inverse.
#include <cstdint>
#include <string>

#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// The size of a spacetime patch: frames, rows and columns of pixels.
struct PatchSize {
  int64_t frames = 1, height = 2, width = 2;

  /// Pixels of one channel.
  int64_t volume() const { return frames * height * width; }
  friend bool operator==(const PatchSize&, const PatchSize&) = default;
};
/// "1x2x2".
[[nodiscard]] std::string to_text(const PatchSize& patch);

/// How many patches a clip has along each axis.
struct PatchGrid {
  int64_t frames = 0, rows = 0, columns = 0;

  int64_t tokens() const { return frames * rows * columns; }
  friend bool operator==(const PatchGrid&, const PatchGrid&) = default;
};
/// The grid of clips [B, F, C, H, W]. ShapeError, with the next size that fits, unless the patch divides every axis.
[[nodiscard]] PatchGrid patch_grid(const Shape& clips, const PatchSize& patch);

/// Images [B, C, H, W] as clips of one frame [B, 1, C, H, W]; clips as they are.
Tensor as_clips(const Tensor& x);

/// The order of the numbers of one patch.
enum class PatchOrder {
  channel_first,  ///< (channel, frame, row, column), as in the kernel [D, C, pt, ph, pw] of a convolution
  channel_last    ///< (frame, row, column, channel), as the last layer of the released DiT orders its outputs
};

/// Splits clips [B, F, C, H, W] into patches, frame by frame and row by row: [B, T, C pt ph pw]. Every pixel is used
/// once. The order within a token is channel_first: the kernel of a convolution whose stride is its kernel size, viewed
/// as [D, C pt ph pw], is then the matrix of the equivalent linear map.
Tensor patchify(const Tensor& clips, const PatchSize& patch);

/// Joins tokens [B, grid.tokens(), C pt ph pw], whose elements are in the given order, to clips [B, F, C, H, W]. With
/// channel_first it is the inverse of patchify.
Tensor unpatchify(const Tensor& tokens, const PatchGrid& grid, const PatchSize& patch,
                  PatchOrder order = PatchOrder::channel_first);

/// The clips with their last frame, row and column repeated until the patch divides every axis.
Tensor pad_to_patches(const Tensor& clips, const PatchSize& patch);

}  // namespace ditharos::models
