#pragma once
// The tables of positions that are added to the tokens.
#include <ditharos/models/dit/config.h>
#include <ditharos/nn/module.h>

namespace ditharos::models {

/// pos_embed, of the patches of a frame, and temp_embed, of the frames of a clip; each fixed or learned, see Positions.
/// A model without tables has none of them, and a model of images (frames = 1) no temp_embed.
class PositionEmbedding : public nn::Module<PositionEmbedding> {
 public:
  PositionEmbedding() = default;
  PositionEmbedding(const DiTConfig& config, Generator& rng);

  /// [1, rows * columns, D]. For a grid that is not the model's, a sin_cos table is computed at its coordinates, see
  /// PositionScale, and a learned one is resampled bilinearly as an image of D channels (align_corners=False).
  /// Undefined without a table. ConfigError for a grid beyond the scale's max_size.
  Tensor spatial(const PatchGrid& grid, DType dtype) const;
  /// [1, frames, D], and for other numbers of frames: a sin_cos table continues, a learned one is resampled linearly.
  Tensor temporal(int64_t frames, DType dtype) const;
  void visit(nn::Visitor& v) override;

 private:
  PatchGrid grid_;
  PositionScale scale_;
  bool stored_ = true;
  nn::Buffer pos_embed_, temp_embed_;
  nn::Parameter learned_pos_embed_, learned_temp_embed_;
};

}  // namespace ditharos::models
