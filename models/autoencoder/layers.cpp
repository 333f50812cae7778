#include <ditharos/models/autoencoder/layers.h>

namespace ditharos::models {
namespace {

/// [B frames, C, H, W] -> [B, C, frames, H, W], the layout of convolutions over time.
Tensor to_volumes(const Tensor& x, int64_t frames) {
  const Shape clips{x.size(0) / frames, frames, x.size(1), x.size(2), x.size(3)};
  return permute(reshape(x, clips), {0, 2, 1, 3, 4});
}

/// The inverse: [B, C, frames, H, W] -> [B frames, C, H, W].
Tensor to_frames(const Tensor& x) {
  return reshape(permute(x, {0, 2, 1, 3, 4}), {x.size(0) * x.size(2), x.size(1), x.size(3), x.size(4)});
}

}  // namespace

FrameResidual::FrameResidual(const FrameResidualOptions& options, Generator& rng)
    : norm1_(options.groups, options.in, options.eps), norm2_(options.groups, options.out, options.eps),
      conv1_(options.in, options.out, 3, {.padding = 1, .init = options.init}, rng),
      conv2_(options.out, options.out, 3, {.padding = 1, .init = options.init}, rng) {
  if (options.in != options.out)
    shortcut_.emplace(options.in, options.out, 1, nn::ConvOptions{.init = options.init}, rng);
  if (options.zero_output) conv2_.weight = nn::Parameter(zeros_like(conv2_.weight));
}

Tensor FrameResidual::forward(const Tensor& x) const {
  const Tensor change = conv2_(norm2_.with_silu_reduced(conv1_(norm1_.with_silu_reduced(x))));
  return (shortcut_ ? (*shortcut_)(x) : x) + change;
}

void FrameResidual::visit(nn::Visitor& v) {
  v("norm1", norm1_);
  v("conv1", conv1_);
  v("norm2", norm2_);
  v("conv2", conv2_);
  v("conv_shortcut", shortcut_);
}

Tensor FrameDown::forward(const Tensor& x) const {
  return conv_(padding_ == FramePadding::after ? pad(x, {0, 1, 0, 1}) : x);
}

Tensor FrameUp::forward(const Tensor& x) const { return conv_(interpolate(x, {2 * x.size(2), 2 * x.size(3)})); }

Tensor TimeDown::forward(const Tensor& x, int64_t frames) const { return to_frames(conv_(to_volumes(x, frames))); }

Tensor TimeUp::forward(const Tensor& x, int64_t frames) const {
  const int64_t channels = x.size(1), height = x.size(2), width = x.size(3), clips = x.size(0) / frames;
  const Tensor volumes = unsqueeze(to_volumes(x, frames), 3);  // [B, C, frames, 1, H, W]
  const Tensor twice = expand(volumes, {clips, channels, frames, 2, height, width});
  return to_frames(conv_(reshape(twice, {clips, channels, 2 * frames, height, width})));
}

}  // namespace ditharos::models
