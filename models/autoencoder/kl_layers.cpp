#include <ditharos/models/autoencoder/kl_layers.h>

#include <algorithm>

namespace ditharos::models {
namespace {

constexpr double eps = 1e-6;  // of all group norms

nn::Conv2d convolution(int64_t in, int64_t out, Generator& rng) {
  return {in, out, 3, {.padding = 1, .init = nn::ConvInit::fan_in_uniform}, rng};
}

FrameResidual residual(const AutoencoderKLConfig& config, int64_t in, int64_t out, Generator& rng) {
  return FrameResidual({.in = in,
                        .out = out,
                        .groups = config.norm_num_groups,
                        .eps = eps,
                        .zero_output = false,
                        .init = nn::ConvInit::fan_in_uniform},
                       rng);
}

/// `count` residual blocks, the first of which changes the number of channels.
std::vector<FrameResidual> residuals(const AutoencoderKLConfig& config, int64_t count, int64_t in, int64_t out,
                                     Generator& rng) {
  std::vector<FrameResidual> blocks;
  for (int64_t i = 0; i < count; ++i) blocks.push_back(residual(config, i == 0 ? in : out, out, rng));
  return blocks;
}

template <class M>
Tensor apply_all(const std::vector<M>& modules, Tensor x) {
  for (const M& module : modules) x = module(x);
  return x;
}

/// Draws the projections of an attention as PyTorch's linear layers start.
void start_as_in_pytorch(nn::Attention& attention, Generator& rng) {
  struct Redraw : nn::Visitor {
    explicit Redraw(Generator& generator) : rng(generator) {}
    void on_parameter(const std::string&, Tensor& parameter) override {
      // A bias follows its weight.
      if (parameter.rank() == 2) weight = parameter.shape();
      const bool required = parameter.requires_grad();
      parameter = nn::init::fan_in_uniform(parameter.shape(), weight, rng);
      parameter.set_requires_grad(required);
    }
    Generator& rng;
    Shape weight;
  } redraw(rng);
  attention.visit(redraw);
}

}  // namespace

KLAttention::KLAttention(int64_t channels, int64_t groups, Generator& rng)
    : norm_(groups, channels, eps), attention_(channels, 1, rng) {
  start_as_in_pytorch(attention_, rng);
}

Tensor KLAttention::forward(const Tensor& x) const {
  const Tensor pixels = reshape(norm_(x), {x.size(0), x.size(1), -1});         // [N, C, H W]
  const Tensor change = transpose(attention_(transpose(pixels, 1, 2)), 1, 2);  // [N, C, H W]
  return x + reshape(change, x.shape());
}

void KLAttention::visit(nn::Visitor& v) {
  v("group_norm", norm_);
  v("attn", attention_);
}

KLMidBlock::KLMidBlock(const AutoencoderKLConfig& config, Generator& rng) {
  const int64_t channels = config.block_out_channels.back();
  resnets_.push_back(residual(config, channels, channels, rng));
  if (config.mid_block_add_attention) attentions_.emplace_back(channels, config.norm_num_groups, rng);
  resnets_.push_back(residual(config, channels, channels, rng));
}

Tensor KLMidBlock::forward(const Tensor& x) const { return resnets_[1](apply_all(attentions_, resnets_[0](x))); }

void KLMidBlock::visit(nn::Visitor& v) {
  v("resnets", resnets_);
  v("attentions", attentions_);
}

KLDownBlock::KLDownBlock(const AutoencoderKLConfig& config, int64_t in, int64_t out, bool halves, Generator& rng)
    : resnets_(residuals(config, config.layers_per_block, in, out, rng)) {
  if (halves) downsamplers_.emplace_back(out, out, rng, FramePadding::after, nn::ConvInit::fan_in_uniform);
}

Tensor KLDownBlock::forward(const Tensor& x) const { return apply_all(downsamplers_, apply_all(resnets_, x)); }

void KLDownBlock::visit(nn::Visitor& v) {
  v("resnets", resnets_);
  v("downsamplers", downsamplers_);
}

KLUpBlock::KLUpBlock(const AutoencoderKLConfig& config, int64_t in, int64_t out, bool doubles, Generator& rng)
    : resnets_(residuals(config, config.layers_per_block + 1, in, out, rng)) {
  if (doubles) upsamplers_.emplace_back(out, out, rng, nn::ConvInit::fan_in_uniform);
}

Tensor KLUpBlock::forward(const Tensor& x) const { return apply_all(upsamplers_, apply_all(resnets_, x)); }

void KLUpBlock::visit(nn::Visitor& v) {
  v("resnets", resnets_);
  v("upsamplers", upsamplers_);
}

KLEncoder::KLEncoder(const AutoencoderKLConfig& config, Generator& rng) {
  const std::vector<int64_t>& widths = config.block_out_channels;
  conv_in_ = convolution(config.in_channels, widths.front(), rng);
  for (size_t i = 0; i < widths.size(); ++i) {
    down_blocks_.emplace_back(config, widths[i == 0 ? 0 : i - 1], widths[i], i + 1 < widths.size(), rng);
  }
  mid_block_ = KLMidBlock(config, rng);
  norm_out_ = nn::GroupNorm(config.norm_num_groups, widths.back(), eps);
  conv_out_ = convolution(widths.back(), 2 * config.latent_channels, rng);
}

Tensor KLEncoder::forward(const Tensor& images) const {
  return conv_out_(norm_out_.with_silu_reduced(mid_block_(apply_all(down_blocks_, conv_in_(images)))));
}

void KLEncoder::visit(nn::Visitor& v) {
  v("conv_in", conv_in_);
  v("down_blocks", down_blocks_);
  v("mid_block", mid_block_);
  v("conv_norm_out", norm_out_);
  v("conv_out", conv_out_);
}

KLDecoder::KLDecoder(const AutoencoderKLConfig& config, Generator& rng) {
  const std::vector<int64_t>& widths = config.block_out_channels;
  conv_in_ = convolution(config.latent_channels, widths.back(), rng);
  mid_block_ = KLMidBlock(config, rng);
  for (size_t i = widths.size(); i-- > 0;) {
    up_blocks_.emplace_back(config, widths[std::min(i + 1, widths.size() - 1)], widths[i], i > 0, rng);
  }
  norm_out_ = nn::GroupNorm(config.norm_num_groups, widths.front(), eps);
  conv_out_ = convolution(widths.front(), config.out_channels, rng);
}

Tensor KLDecoder::forward(const Tensor& latents) const {
  return conv_out_(norm_out_.with_silu_reduced(apply_all(up_blocks_, mid_block_(conv_in_(latents)))));
}

void KLDecoder::visit(nn::Visitor& v) {
  v("conv_in", conv_in_);
  v("mid_block", mid_block_);
  v("up_blocks", up_blocks_);
  v("conv_norm_out", norm_out_);
  v("conv_out", conv_out_);
}

}  // namespace ditharos::models
