#include <ditharos/models/autoencoder/tiling.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/factory.h>

namespace ditharos::models {
namespace {

using Function = std::function<Tensor(const Tensor&)>;

/// The tiles of a function's argument and result, whose sides have a fixed ratio.
struct Tiles {
  int64_t side;   ///< of a tile of the argument
  int64_t step;   ///< from one tile of the argument to the next
  int64_t used;   ///< of a tile of the result; after it the next tile begins
  int64_t blend;  ///< rows or columns of the result over which two tiles are mixed
};

/// Latents by which two tiles overlap.
int64_t overlap(const TilingOptions& o, int64_t stride) {
  const int64_t side = o.tile_sample_min_size / stride;
  return std::llround(double(side) * o.tile_overlap_factor);
}

/// `tile` with its first rows or columns mixed with the last ones of its neighbour before it along `axis`; the weight
/// of the tile itself rises linearly from 0.
Tensor blended(const Tensor& before, const Tensor& tile, int axis, int64_t extent) {
  extent = std::min({extent, before.size(axis), tile.size(axis)});
  if (extent == 0) return tile;
  Shape ramp = Shape::filled(4, 1);
  ramp[axis] = extent;
  const Tensor rising = reshape(arange(extent, tile.dtype()), ramp) * (1 / double(extent));
  const Tensor mixed =
      narrow(before, axis, before.size(axis) - extent, extent) * (1 - rising) + narrow(tile, axis, 0, extent) * rising;
  return cat({mixed, narrow(tile, axis, extent, tile.size(axis) - extent)}, axis);
}

/// At most `size` rows or columns from `begin` on.
Tensor part(const Tensor& x, int axis, int64_t begin, int64_t size) {
  return narrow(x, axis, begin, std::min(size, x.size(axis) - begin));
}

/// f in overlapping tiles. A tile is mixed with the tile above, then with the one on its left, both mixed already.
Tensor in_tiles(const Tensor& x, const Tiles& tiles, const Function& f) {
  std::vector<Tensor> above, rows;
  for (int64_t top = 0; top < x.size(2); top += tiles.step) {
    std::vector<Tensor> row, used;
    for (int64_t left = 0; left < x.size(3); left += tiles.step) {
      Tensor tile = f(contiguous(part(part(x, 2, top, tiles.side), 3, left, tiles.side)));
      if (top > 0) tile = blended(above[row.size()], tile, 2, tiles.blend);
      if (left > 0) tile = blended(row.back(), tile, 3, tiles.blend);
      row.push_back(tile);
      used.push_back(part(part(tile, 2, 0, tiles.used), 3, 0, tiles.used));
    }
    rows.push_back(cat(used, 3));
    above = std::move(row);
  }
  return cat(rows, 2);
}

Tensor in_parts(const Tensor& x, const TilingOptions& options, const Tiles& tiles, const Function& f) {
  const bool tile = options.tile_sample_min_size > 0 && (x.size(2) > tiles.side || x.size(3) > tiles.side);
  const auto whole = [&](const Tensor& sample) { return tile ? in_tiles(sample, tiles, f) : f(sample); };
  if (!options.use_slicing || x.size(0) <= 1) return whole(x);
  std::vector<Tensor> samples;
  for (int64_t i = 0; i < x.size(0); ++i) samples.push_back(whole(narrow(x, 0, i, 1)));
  return cat(samples, 0);
}

}  // namespace

void TilingOptions::validate(int64_t stride) const {
  if (tile_sample_min_size == 0) return;
  check<ConfigError>(tile_sample_min_size >= stride && tile_sample_min_size % stride == 0,
                     "tile_sample_min_size must be a multiple of ", stride, ", the pixels of a latent, got ",
                     tile_sample_min_size);
  const int64_t latents = tile_sample_min_size / stride;
  const double shared = double(latents) * tile_overlap_factor;
  const bool whole = std::abs(shared - std::round(shared)) < 1e-6;
  check<ConfigError>(tile_overlap_factor >= 0 && tile_overlap_factor < 1 && whole && std::llround(shared) < latents,
                     "tile_overlap_factor must be in [0, 1) and give a whole number of latents; tiles of ", latents,
                     " latents times ", tile_overlap_factor, " overlap by ", shared);
}

Tensor encode_in_tiles(const Tensor& images, int64_t stride, const TilingOptions& options, const Function& encode) {
  options.validate(stride);
  const int64_t side = options.tile_sample_min_size / stride, shared = overlap(options, stride);
  return in_parts(images, options, {side * stride, (side - shared) * stride, side - shared, shared}, encode);
}

Tensor decode_in_tiles(const Tensor& latents, int64_t stride, const TilingOptions& options, const Function& decode) {
  options.validate(stride);
  const int64_t side = options.tile_sample_min_size / stride, shared = overlap(options, stride);
  return in_parts(latents, options, {side, side - shared, (side - shared) * stride, shared * stride}, decode);
}

}  // namespace ditharos::models
