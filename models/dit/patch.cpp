#include <ditharos/models/dit/patch.h>

#include <array>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/checked.h>

namespace ditharos::models {
namespace {

int64_t rounded_up(int64_t size, int64_t multiple) {
  return size % multiple == 0 ? size : checked_sum("patchify", {size - size % multiple, multiple});
}

void check_patch(const char* where, const Shape& clips, const PatchSize& patch) {
  check<ShapeError>(clips.rank() == 5, "[", where, "] clips must have shape [B, F, C, H, W], got ", clips);
  check<ConfigError>(patch.frames >= 1 && patch.height >= 1 && patch.width >= 1, "[", where,
                     "] a patch needs at least one frame, row and column, got ", patch);
  // As PatchSize::volume multiplies them.
  static_cast<void>(checked_product(where, {patch.frames, patch.height, patch.width}));
}

}  // namespace

std::string to_text(const PatchSize& patch) {
  return std::to_string(patch.frames) + "x" + std::to_string(patch.height) + "x" + std::to_string(patch.width);
}

PatchGrid patch_grid(const Shape& clips, const PatchSize& patch) {
  check_patch("patchify", clips, patch);
  const int64_t frames = clips[1], height = clips[3], width = clips[4];
  const bool divides = frames % patch.frames == 0 && height % patch.height == 0 && width % patch.width == 0;
  check<ShapeError>(divides, "[patchify] patches of ", patch, " do not divide ", frames, " frames of ", height, "x",
                    width, "; ", rounded_up(frames, patch.frames), " frames of ", rounded_up(height, patch.height), "x",
                    rounded_up(width, patch.width), " would fit");
  return {frames / patch.frames, height / patch.height, width / patch.width};
}

Tensor as_clips(const Tensor& x) { return x.rank() == 4 ? unsqueeze(x, 1) : x; }

Tensor patchify(const Tensor& clips, const PatchSize& patch) {
  const PatchGrid grid = patch_grid(clips.shape(), patch);
  const int64_t batch = clips.size(0), channels = clips.size(2);
  const Tensor cells =
      reshape(clips, {batch, grid.frames, patch.frames, channels, grid.rows, patch.height, grid.columns, patch.width});
  return reshape(permute(cells, {0, 1, 4, 6, 3, 2, 5, 7}), {batch, grid.tokens(), channels * patch.volume()});
}

Tensor unpatchify(const Tensor& tokens, const PatchGrid& grid, const PatchSize& patch, PatchOrder order) {
  for (const auto& [a, b, c] :
       {std::array{grid.frames, grid.rows, grid.columns}, std::array{patch.frames, patch.height, patch.width}})
    // As PatchGrid::tokens and PatchSize::volume multiply them.
    static_cast<void>(checked_product("unpatchify", {a, b, c}));
  check<ShapeError>(tokens.rank() == 3 && tokens.size(1) == grid.tokens() && patch.volume() >= 1 &&
                        tokens.size(2) % patch.volume() == 0,
                    "[unpatchify] tokens of shape ", tokens.shape(), " do not fill ", grid.frames, " x ", grid.rows,
                    " x ", grid.columns, " patches of ", patch);
  const int64_t batch = tokens.size(0), channels = tokens.size(2) / patch.volume();
  const Shape clips{batch, grid.frames * patch.frames, channels, grid.rows * patch.height, grid.columns * patch.width};
  if (order == PatchOrder::channel_first) {
    const Tensor cells = reshape(
        tokens, {batch, grid.frames, grid.rows, grid.columns, channels, patch.frames, patch.height, patch.width});
    return reshape(permute(cells, {0, 1, 5, 4, 2, 6, 3, 7}), clips);
  }
  const Tensor cells =
      reshape(tokens, {batch, grid.frames, grid.rows, grid.columns, patch.frames, patch.height, patch.width, channels});
  return reshape(permute(cells, {0, 1, 4, 7, 2, 5, 3, 6}), clips);
}

Tensor pad_to_patches(const Tensor& clips, const PatchSize& patch) {
  check_patch("pad_to_patches", clips.shape(), patch);
  const auto missing = [&](int axis, int64_t multiple) {
    return rounded_up(clips.size(axis), multiple) - clips.size(axis);
  };
  return pad(clips, {0, missing(4, patch.width), 0, missing(3, patch.height), 0, 0, 0, missing(1, patch.frames)},
             PadMode::replicate);
}

}  // namespace ditharos::models
