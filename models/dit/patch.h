#pragma once
// Pictures to tokens and back, and where each token lies.
#include <ditharos/nn/module.h>
#include <ditharos/tensor/random.h>

namespace ditharos::models {

/// Cuts pictures [B, C, H, W] into square patches of side p, row by row: [B, (H/p)(W/p), C p p]. Inside a patch the
/// order is (channel, row, column), so that the kernel [D, C, p, p] of a convolution with stride p, viewed as
/// [D, C p p], is the matrix of the equal linear map.
Tensor patchify(const Tensor& pictures, int64_t patch);

/// Puts tokens [B, rows * columns, p p C] together to pictures [B, C, rows p, columns p]. Inside a token the order is
/// (row, column, channel), other than in patchify: the released DiT writes its output so.
Tensor unpatchify(const Tensor& tokens, int64_t rows, int64_t columns, int64_t patch);

/// The fixed position table [1, rows * columns, width]: the first half encodes the column, the second the row, each as
/// sin(p w_i) then cos(p w_i) with w_i = 10000^(-i / (width/4)). Computed in double. `width` is divisible by 4.
Tensor position_table(int64_t rows, int64_t columns, int64_t width);

/// Embeds patches: a convolution with stride p, computed as one linear map of the patches; [B, C, H, W] -> [B, T, D].
/// The weight [D, C, p, p] is Xavier-uniform viewed as [D, C p p], the bias zero.
class PatchEmbed : public nn::Module<PatchEmbed> {
 public:
  PatchEmbed() = default;
  PatchEmbed(int64_t channels, int64_t patch, int64_t width, Generator& rng);

  Tensor forward(const Tensor& pictures) const;
  void visit(nn::Visitor& v) override;

 private:
  nn::Parameter weight_, bias_;
};

}  // namespace ditharos::models
