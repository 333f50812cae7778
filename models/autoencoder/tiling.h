#pragma once
// Encoding and decoding in parts, which bounds the memory that large images and large batches need.
#include <cstdint>
#include <functional>

#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// How images are cut for an autoencoder; by default they are not. Names and results are those of diffusers
/// (enable_slicing, enable_tiling).
struct TilingOptions {
  bool use_slicing = false;  ///< one sample at a time: the same result with the memory of one
  /// Side of a tile in pixels, a multiple of the autoencoder's stride; 0: whole images. Images that are larger in
  /// either direction are computed in tiles that overlap and are blended linearly. The result differs from that of the
  /// whole image, because each tile has group norms and attention of its own.
  int64_t tile_sample_min_size = 0;
  double tile_overlap_factor = .25;  ///< of a tile's side, a whole number of latents

  /// ConfigError, in one sentence, unless the tiles consist of whole latents. `stride`: pixels of a latent.
  void validate(int64_t stride) const;
};

/// encode(x) for images [N, C, H, W] -> [N, C', H / stride, W / stride], in slices and tiles.
[[nodiscard]] Tensor encode_in_tiles(const Tensor& images, int64_t stride, const TilingOptions& options,
                                     const std::function<Tensor(const Tensor&)>& encode);
/// decode(z) for latents [N, C, H, W] -> [N, C', stride H, stride W], in slices and tiles.
[[nodiscard]] Tensor decode_in_tiles(const Tensor& latents, int64_t stride, const TilingOptions& options,
                                     const std::function<Tensor(const Tensor&)>& decode);

}  // namespace ditharos::models
