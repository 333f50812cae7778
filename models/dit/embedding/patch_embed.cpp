#include <ditharos/models/dit/embedding/patch_embed.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {

PatchEmbed::PatchEmbed(int64_t channels, const PatchSize& patch, PatchOrder order, int64_t width, Generator& rng)
    : patch_(patch), proj_(channels * patch.volume(), width, rng) {
  if (order == PatchOrder::channel_first) return;
  Shape kernel{width, channels, patch.frames, patch.height, patch.width};
  if (patch.frames == 1) kernel.erase(2);
  proj_.weight = nn::Parameter(reshape(proj_.weight.detach(), kernel));
}

Tensor PatchEmbed::forward(const Tensor& clips) const {
  const Tensor tokens = patchify(clips, patch_);
  if (!is_kernel()) return proj_(tokens);
  return linear(tokens, reshape(proj_.weight, {proj_.weight.size(0), -1}), proj_.bias);
}

void PatchEmbed::visit(nn::Visitor& v) {
  if (!is_kernel()) return v("proj", proj_);
  v("proj.weight", proj_.weight);
  v("proj.bias", proj_.bias);
}

}  // namespace ditharos::models
