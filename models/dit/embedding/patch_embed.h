#pragma once
#include <ditharos/models/dit/patch.h>
#include <ditharos/nn/linear.h>

namespace ditharos::models {

/// Embeds patches by one linear map: clips [B, F, C, H, W] -> tokens [B, T, D]. The weight is Xavier-uniform viewed as
/// [D, C pt ph pw], the bias zero.
class PatchEmbed : public nn::Module<PatchEmbed> {
 public:
  PatchEmbed() = default;
  /// With channel_last the weight is stored as the released DiT stores it, as the kernel [D, C, pt, ph, pw] of a
  /// convolution, without pt for patches of one frame; like DiT's it stays in f32 under nn::quantize. With
  /// channel_first it is the matrix of an nn::Linear.
  PatchEmbed(int64_t channels, const PatchSize& patch, PatchOrder order, int64_t width, Generator& rng);

  Tensor forward(const Tensor& clips) const;
  void visit(nn::Visitor& v) override;

 private:
  bool is_kernel() const { return proj_.weight.rank() > 2; }

  PatchSize patch_;
  nn::Linear proj_;
};

}  // namespace ditharos::models
