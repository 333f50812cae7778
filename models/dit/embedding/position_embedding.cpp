#include <ditharos/models/dit/embedding/position_embedding.h>

#include <ditharos/autograd/ops.h>
#include <ditharos/nn/init.h>

namespace ditharos::models {
namespace {

/// [1, rows * columns, D] of one grid -> of another.
Tensor resampled(const Tensor& table, int64_t rows, int64_t columns, int64_t new_rows, int64_t new_columns) {
  const int64_t width = table.size(2);
  const Tensor image = permute(reshape(table, {1, rows, columns, width}), {0, 3, 1, 2});
  const Tensor other = interpolate(image, {new_rows, new_columns}, Interpolation::bilinear);
  return reshape(permute(other, {0, 2, 3, 1}), {1, new_rows * new_columns, width});
}

/// The rows and columns in the middle of a table [1, size * size, D].
Tensor cropped(const Tensor& table, int64_t size, const PatchGrid& grid) {
  const int64_t top = (size - grid.rows) / 2, left = (size - grid.columns) / 2, width = table.size(2);
  const Tensor rows = slice(reshape(table, {1, size, size, width}), 1, top, top + grid.rows);
  return reshape(slice(rows, 2, left, left + grid.columns), {1, grid.rows * grid.columns, width});
}

}  // namespace

PositionEmbedding::PositionEmbedding(const DiTConfig& config, Generator& rng)
    : grid_(config.grid()), scale_(config.position_scale), stored_(config.stored_positions) {
  const int64_t width = config.hidden, size = scale_.max_size;
  switch (config.positions) {
    case Positions::none: return;
    case Positions::sin_cos:
      pos_embed_ = size > 0 ? position_table(size, size, width, scale_)
                            : position_table(grid_.rows, grid_.columns, width, scale_);
      if (config.frames > 1) temp_embed_ = temporal_table(grid_.frames, width);
      return;
    case Positions::learned:
      learned_pos_embed_ = nn::Parameter(nn::init::normal({1, grid_.rows * grid_.columns, width}, .02, rng));
      if (config.frames > 1) learned_temp_embed_ = nn::Parameter(nn::init::normal({1, grid_.frames, width}, .02, rng));
  }
}

Tensor PositionEmbedding::spatial(const PatchGrid& grid, DType dtype) const {
  const bool own = grid.rows == grid_.rows && grid.columns == grid_.columns;
  if (learned_pos_embed_.defined()) {
    const Tensor table = own ? Tensor(learned_pos_embed_)
                             : resampled(learned_pos_embed_, grid_.rows, grid_.columns, grid.rows, grid.columns);
    return to(table, dtype);
  }
  if (!pos_embed_.defined()) return {};
  if (scale_.max_size > 0) {
    scale_.validate(grid.rows, grid.columns);
    return to(cropped(pos_embed_, scale_.max_size, grid), dtype);
  }
  return to(own ? Tensor(pos_embed_) : position_table(grid.rows, grid.columns, pos_embed_.size(2), scale_), dtype);
}

Tensor PositionEmbedding::temporal(int64_t frames, DType dtype) const {
  if (learned_temp_embed_.defined()) {
    const Tensor table = frames == grid_.frames ? Tensor(learned_temp_embed_)
                                                : resampled(learned_temp_embed_, grid_.frames, 1, frames, 1);
    return to(table, dtype);
  }
  if (!temp_embed_.defined()) return {};
  return to(frames == grid_.frames ? Tensor(temp_embed_) : temporal_table(frames, temp_embed_.size(2)), dtype);
}

void PositionEmbedding::visit(nn::Visitor& v) {
  if (stored_) {
    v.buffer("pos_embed", pos_embed_);
    v.buffer("temp_embed", temp_embed_);
  }
  v("pos_embed", learned_pos_embed_);
  v("temp_embed", learned_temp_embed_);
}

}  // namespace ditharos::models
