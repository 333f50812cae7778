#pragma once
// The parts of an AutoencoderKL, named as the published state dicts name them; all work on images [N, C, H, W].
#include <optional>
#include <vector>

#include <ditharos/models/autoencoder/kl_config.h>
#include <ditharos/models/autoencoder/layers.h>
#include <ditharos/nn/attention.h>

namespace ditharos::models {

/// x + attention of one head among the pixels of group_norm(x): the tokens are the H W pixels, their width C.
class KLAttention : public nn::Module<KLAttention> {
 public:
  KLAttention() = default;
  KLAttention(int64_t channels, int64_t groups, Generator& rng);
  Tensor forward(const Tensor& x) const;
  void visit(nn::Visitor& v) override;

 private:
  nn::GroupNorm norm_;
  nn::Attention attention_;
};

/// The lowest resolution: a residual block, attention if the configuration has it, and another residual block.
class KLMidBlock : public nn::Module<KLMidBlock> {
 public:
  KLMidBlock() = default;
  KLMidBlock(const AutoencoderKLConfig& config, Generator& rng);
  Tensor forward(const Tensor& x) const;
  void visit(nn::Visitor& v) override;

 private:
  std::vector<FrameResidual> resnets_;   // two
  std::vector<KLAttention> attentions_;  // one or none
};

/// One resolution of the encoder: residual blocks, then a halving unless it is the last.
class KLDownBlock : public nn::Module<KLDownBlock> {
 public:
  KLDownBlock() = default;
  KLDownBlock(const AutoencoderKLConfig& config, int64_t in, int64_t out, bool halves, Generator& rng);
  Tensor forward(const Tensor& x) const;
  void visit(nn::Visitor& v) override;

 private:
  std::vector<FrameResidual> resnets_;
  std::vector<FrameDown> downsamplers_;  // one or none
};

/// One resolution of the decoder: residual blocks, then a doubling unless it is the last.
class KLUpBlock : public nn::Module<KLUpBlock> {
 public:
  KLUpBlock() = default;
  KLUpBlock(const AutoencoderKLConfig& config, int64_t in, int64_t out, bool doubles, Generator& rng);
  Tensor forward(const Tensor& x) const;
  void visit(nn::Visitor& v) override;

 private:
  std::vector<FrameResidual> resnets_;
  std::vector<FrameUp> upsamplers_;  // one or none
};

/// Images [N, in_channels, H, W] -> [N, 2 latent_channels, H / stride, W / stride].
class KLEncoder : public nn::Module<KLEncoder> {
 public:
  KLEncoder() = default;
  KLEncoder(const AutoencoderKLConfig& config, Generator& rng);
  Tensor forward(const Tensor& images) const;
  void visit(nn::Visitor& v) override;

 private:
  nn::Conv2d conv_in_, conv_out_;
  std::vector<KLDownBlock> down_blocks_;
  KLMidBlock mid_block_;
  nn::GroupNorm norm_out_;
};

/// Latents [N, latent_channels, H, W] -> images [N, out_channels, stride H, stride W].
class KLDecoder : public nn::Module<KLDecoder> {
 public:
  KLDecoder() = default;
  KLDecoder(const AutoencoderKLConfig& config, Generator& rng);
  Tensor forward(const Tensor& latents) const;
  void visit(nn::Visitor& v) override;

 private:
  nn::Conv2d conv_in_, conv_out_;
  KLMidBlock mid_block_;
  std::vector<KLUpBlock> up_blocks_;
  nn::GroupNorm norm_out_;
};

}  // namespace ditharos::models
