#pragma once
// The layers that the autoencoders share. Frames are part of the batch axis, [B F, C, H, W]: every layer works on
// single frames, except for the last two of this file, which change the number of frames.
#include <optional>

#include <ditharos/nn/conv.h>
#include <ditharos/nn/group_norm.h>

namespace ditharos::models {

struct FrameResidualOptions {
  int64_t in = 0, out = 0;  ///< channels
  int64_t groups = 1;       ///< of the group norms; divides both
  double eps = 1e-5;        ///< of the group norms
  bool zero_output = true;  ///< the last convolution's weight starts as zero: a new block is the identity
  nn::ConvInit init = nn::ConvInit::kaiming_normal;
};

/// x + conv(silu(norm(conv(silu(norm(x)))))) on frames [N, in, H, W] -> [N, out, H, W] (He et al. 2016). Where the
/// numbers of channels differ, a 1x1 convolution takes the place of x in the sum.
class FrameResidual : public nn::Module<FrameResidual> {
 public:
  FrameResidual() = default;
  FrameResidual(const FrameResidualOptions& options, Generator& rng);
  Tensor forward(const Tensor& x) const;
  void visit(nn::Visitor& v) override;

 private:
  nn::GroupNorm norm1_, norm2_;
  nn::Conv2d conv1_, conv2_;
  std::optional<nn::Conv2d> shortcut_;
};

/// Where a convolution with stride 2 adds zeros around frames.
enum class FramePadding {
  around,  ///< one row and column on each side
  after,   ///< one row below and one column on the right, as in Rombach et al. 2022
};

/// Halves height and width: a convolution with stride 2; [N, in, H, W] -> [N, out, H/2, W/2].
class FrameDown : public nn::Module<FrameDown> {
 public:
  FrameDown() = default;
  FrameDown(int64_t in, int64_t out, Generator& rng, FramePadding padding = FramePadding::around,
            nn::ConvInit init = nn::ConvInit::kaiming_normal)
      : conv_(in, out, 3, {.stride = 2, .padding = padding == FramePadding::around ? 1 : 0, .init = init}, rng),
        padding_(padding) {}
  Tensor forward(const Tensor& x) const;
  void visit(nn::Visitor& v) override { v("conv", conv_); }

 private:
  nn::Conv2d conv_;
  FramePadding padding_ = FramePadding::around;
};

/// Doubles height and width: every pixel four times, then a convolution (Odena et al. 2016: without the checkerboards
/// of a transposed convolution); [N, in, H, W] -> [N, out, 2 H, 2 W].
class FrameUp : public nn::Module<FrameUp> {
 public:
  FrameUp() = default;
  FrameUp(int64_t in, int64_t out, Generator& rng, nn::ConvInit init = nn::ConvInit::kaiming_normal)
      : conv_(in, out, 3, {.padding = 1, .init = init}, rng) {}
  Tensor forward(const Tensor& x) const;
  void visit(nn::Visitor& v) override { v("conv", conv_); }

 private:
  nn::Conv2d conv_;
};

/// Halves the number of frames: a convolution over time and space with stride 2 in time; clips of `frames` frames each,
/// [B frames, C, H, W] -> [B frames/2, C, H, W].
class TimeDown : public nn::Module<TimeDown> {
 public:
  TimeDown() = default;
  TimeDown(int64_t channels, Generator& rng) : conv_(channels, channels, 3, {.stride = {2, 1, 1}, .padding = 1}, rng) {}
  Tensor forward(const Tensor& x, int64_t frames) const;
  void visit(nn::Visitor& v) override { v("conv", conv_); }

 private:
  nn::Conv3d conv_;
};

/// Doubles the number of frames: every frame twice, then a convolution; [B frames, C, H, W] -> [B 2 frames, C, H, W].
class TimeUp : public nn::Module<TimeUp> {
 public:
  TimeUp() = default;
  TimeUp(int64_t channels, Generator& rng) : conv_(channels, channels, 3, {.padding = 1}, rng) {}
  Tensor forward(const Tensor& x, int64_t frames) const;
  void visit(nn::Visitor& v) override { v("conv", conv_); }

 private:
  nn::Conv3d conv_;
};

}  // namespace ditharos::models
