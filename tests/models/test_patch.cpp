// Spacetime patches: every pixel once, exactly invertible, at every patch size.
#include <doctest/doctest.h>

#include <algorithm>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/patch.h>
#include <ditharos/tensor/error.h>

using namespace ditharos;
using namespace ditharos::models;

namespace {

/// Every element another number.
Tensor numbered(const Shape& shape) { return reshape(arange(numel(shape)), shape); }

}  // namespace

TEST_CASE("video patches: unpatchify undoes patchify exactly and every pixel is used once") {
  const Tensor video = numbered({2, 4, 3, 4, 6});
  for (const PatchSize patch : {PatchSize{1, 1, 1}, {1, 2, 2}, {2, 2, 3}, {4, 4, 6}, {2, 1, 1}, {1, 4, 2}}) {
    CAPTURE(to_text(patch));
    const Tensor tokens = patchify(video, patch);
    const PatchGrid grid = patch_grid(video.shape(), patch);
    CHECK_EQ(tokens.shape(), Shape{2, grid.tokens(), 3 * patch.volume()});
    CHECK(unpatchify(tokens, grid, patch).to_vector<float>() == video.to_vector<float>());
    std::vector<float> pixels = tokens.to_vector<float>();
    std::sort(pixels.begin(), pixels.end());
    CHECK(pixels == video.to_vector<float>());  // 0, 1, 2, ... in order
  }
}

TEST_CASE("video patches: tokens run frame by frame, row by row; inside, channel, frame, row, column") {
  const Tensor tokens = patchify(numbered({1, 2, 2, 2, 4}), {2, 2, 2});  // [1, 2, 16]
  // Frame f, channel c, row r, column x has number 16 f + 8 c + 4 r + x.
  const std::vector<float> left = {0, 1, 4, 5, 16, 17, 20, 21, 8, 9, 12, 13, 24, 25, 28, 29};
  CHECK(contiguous(select(tokens, 1, 0)).to_vector<float>() == left);
  CHECK_EQ(patchify(numbered({1, 2, 1, 2, 2}), {1, 1, 2}).to_vector<float>(),
           std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("video patches: an indivisible size is refused with the size that would fit, or padded when asked") {
  const Tensor video = numbered({1, 3, 1, 4, 5});
  CHECK_THROWS_WITH_AS(patchify(video, {2, 2, 2}),
                       "[patchify] patches of 2x2x2 do not divide 3 frames of 4x5; 4 frames of 4x6 would fit",
                       ShapeError);
  const Tensor padded = pad_to_patches(video, {2, 2, 2});
  CHECK_EQ(padded.shape(), Shape{1, 4, 1, 4, 6});
  CHECK(contiguous(slice(slice(padded, 1, 0, 3), 4, 0, 5)).to_vector<float>() == video.to_vector<float>());
  CHECK(contiguous(select(padded, 1, 3)).to_vector<float>() == contiguous(select(padded, 1, 2)).to_vector<float>());
  CHECK(contiguous(select(padded, 4, 5)).to_vector<float>() == contiguous(select(padded, 4, 4)).to_vector<float>());
  CHECK_EQ(pad_to_patches(video, {1, 4, 5}).shape(), video.shape());
}

TEST_CASE("video patches: refused calls name what they got") {
  CHECK_THROWS_WITH_AS(patchify(zeros({2, 3, 4, 4}), {1, 2, 2}),
                       "[patchify] videos must have shape [B, F, C, H, W], got [2, 3, 4, 4]", ShapeError);
  CHECK_THROWS_AS(patchify(zeros({1, 2, 1, 4, 4}), {0, 2, 2}), ConfigError);
  CHECK_THROWS_WITH_AS(unpatchify(zeros({1, 5, 8}), {1, 2, 2}, {2, 2, 2}),
                       "[unpatchify] tokens of shape [1, 5, 8] do not fill 1 x 2 x 2 patches of 2x2x2",
                       ShapeError);
}
