#pragma once
// Videos to spacetime patches and back: step [1] of a video diffusion transformer, and its inverse.
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

/// How many patches a video has along each axis.
struct PatchGrid {
  int64_t frames = 0, rows = 0, columns = 0;

  int64_t tokens() const { return frames * rows * columns; }
  friend bool operator==(const PatchGrid&, const PatchGrid&) = default;
};
/// The grid of videos [B, F, C, H, W]. ShapeError, with the next size that fits, unless the patch divides every axis.
[[nodiscard]] PatchGrid patch_grid(const Shape& videos, const PatchSize& patch);

/// Cuts videos [B, F, C, H, W] into patches of `patch`: [B, T, C pt ph pw], frame by frame and row by row. Every pixel
/// is used once. Inside a token the order is (channel, frame, row, column), as in the kernel [D, C, pt, ph, pw] of a
/// convolution whose stride is its size.
Tensor patchify_video(const Tensor& videos, const PatchSize& patch);

/// The inverse: tokens [B, grid.tokens(), C pt ph pw] -> [B, F, C, H, W].
Tensor unpatchify_video(const Tensor& tokens, const PatchGrid& grid, const PatchSize& patch);

/// The video with its last frame, row and column repeated until the patch divides every axis.
Tensor pad_to_patches(const Tensor& videos, const PatchSize& patch);

}  // namespace ditharos::models
