#include <ditharos/models/dit/video_patch.h>

#include <array>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/checked.h>

namespace ditharos::models {
namespace {

int64_t rounded_up(int64_t size, int64_t multiple) {
  return size % multiple == 0 ? size : checked_sum("patchify_video", {size - size % multiple, multiple});
}

void check_patch(const char* where, const Shape& videos, const PatchSize& patch) {
  check<ShapeError>(videos.rank() == 5, "[", where, "] videos must have shape [B, F, C, H, W], got ", videos);
  check<ConfigError>(patch.frames >= 1 && patch.height >= 1 && patch.width >= 1, "[", where,
                     "] a patch needs at least one frame, row and column, got ", patch);
  // As PatchSize::volume multiplies them.
  static_cast<void>(checked_product(where, {patch.frames, patch.height, patch.width}));
}

}  // namespace

std::string to_text(const PatchSize& patch) {
  return std::to_string(patch.frames) + "x" + std::to_string(patch.height) + "x" + std::to_string(patch.width);
}

PatchGrid patch_grid(const Shape& videos, const PatchSize& patch) {
  check_patch("patchify_video", videos, patch);
  const int64_t frames = videos[1], height = videos[3], width = videos[4];
  const bool divides = frames % patch.frames == 0 && height % patch.height == 0 && width % patch.width == 0;
  check<ShapeError>(divides, "[patchify_video] patches of ", patch, " do not divide ", frames, " frames of ", height,
                    "x", width, "; ", rounded_up(frames, patch.frames), " frames of ", rounded_up(height, patch.height),
                    "x", rounded_up(width, patch.width), " would fit");
  return {frames / patch.frames, height / patch.height, width / patch.width};
}

Tensor patchify_video(const Tensor& videos, const PatchSize& patch) {
  const PatchGrid grid = patch_grid(videos.shape(), patch);
  const int64_t batch = videos.size(0), channels = videos.size(2);
  const Tensor cells = reshape(videos, {batch, grid.frames, patch.frames, channels, grid.rows, patch.height,
                                        grid.columns, patch.width});
  return reshape(permute(cells, {0, 1, 4, 6, 3, 2, 5, 7}), {batch, grid.tokens(), channels * patch.volume()});
}

Tensor unpatchify_video(const Tensor& tokens, const PatchGrid& grid, const PatchSize& patch) {
  for (const auto& [a, b, c] : {std::array{grid.frames, grid.rows, grid.columns},
                                std::array{patch.frames, patch.height, patch.width}})
    // As PatchGrid::tokens and PatchSize::volume multiply them.
    static_cast<void>(checked_product("unpatchify_video", {a, b, c}));
  check<ShapeError>(tokens.rank() == 3 && tokens.size(1) == grid.tokens() && patch.volume() >= 1 &&
                        tokens.size(2) % patch.volume() == 0,
                    "[unpatchify_video] tokens of shape ", tokens.shape(), " do not fill ", grid.frames, " x ",
                    grid.rows, " x ", grid.columns, " patches of ", patch);
  const int64_t batch = tokens.size(0), channels = tokens.size(2) / patch.volume();
  const Tensor cells = reshape(tokens, {batch, grid.frames, grid.rows, grid.columns, channels, patch.frames,
                                        patch.height, patch.width});
  return reshape(permute(cells, {0, 1, 5, 4, 2, 6, 3, 7}),
                 {batch, grid.frames * patch.frames, channels, grid.rows * patch.height, grid.columns * patch.width});
}

Tensor pad_to_patches(const Tensor& videos, const PatchSize& patch) {
  check_patch("pad_to_patches", videos.shape(), patch);
  const auto missing = [&](int axis, int64_t multiple) {
    return rounded_up(videos.size(axis), multiple) - videos.size(axis);
  };
  return pad(videos, {0, missing(4, patch.width), 0, missing(3, patch.height), 0, 0, 0, missing(1, patch.frames)},
             PadMode::replicate);
}

}  // namespace ditharos::models
