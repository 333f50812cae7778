// Spacetime patches: every pixel once, exactly invertible, at every patch size; images as clips of one frame.
#include <doctest/doctest.h>

#include <algorithm>

#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/embedding/patch_embed.h>
#include <ditharos/tensor/error.h>

using namespace ditharos;
using namespace ditharos::models;

namespace {

/// Every element another number.
Tensor numbered(const Shape& shape) { return reshape(arange(numel(shape)), shape); }

}  // namespace

TEST_CASE("patches: unpatchify undoes patchify exactly and every pixel is used once") {
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

TEST_CASE("patches: tokens run frame by frame, row by row; inside, channel, frame, row, column") {
  const Tensor tokens = patchify(numbered({1, 2, 2, 2, 4}), {2, 2, 2});  // [1, 2, 16]
  // Frame f, channel c, row r, column x has number 16 f + 8 c + 4 r + x.
  const std::vector<float> left = {0, 1, 4, 5, 16, 17, 20, 21, 8, 9, 12, 13, 24, 25, 28, 29};
  CHECK(contiguous(select(tokens, 1, 0)).to_vector<float>() == left);
  CHECK_EQ(patchify(numbered({1, 2, 1, 2, 2}), {1, 1, 2}).to_vector<float>(),
           std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("patches: an indivisible size is refused with the size that would fit, or padded when asked") {
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

TEST_CASE("patches: refused calls name what they got") {
  CHECK_THROWS_WITH_AS(patchify(zeros({2, 3, 4, 4}), {1, 2, 2}),
                       "[patchify] clips must have shape [B, F, C, H, W], got [2, 3, 4, 4]", ShapeError);
  CHECK_THROWS_AS(patchify(zeros({1, 2, 1, 4, 4}), {0, 2, 2}), ConfigError);
  CHECK_THROWS_WITH_AS(unpatchify(zeros({1, 5, 8}), {1, 2, 2}, {2, 2, 2}),
                       "[unpatchify] tokens of shape [1, 5, 8] do not fill 1 x 2 x 2 patches of 2x2x2", ShapeError);
}

TEST_CASE("patches: of an image they are in the order of a convolution's kernel") {
  const Tensor images = numbered({2, 2, 4, 6});
  CHECK_EQ(as_clips(images).shape(), Shape{2, 1, 2, 4, 6});
  const Tensor clips = numbered({2, 3, 2, 4, 6});
  CHECK_EQ(as_clips(clips).shape(), clips.shape());
  const Tensor patches = patchify(as_clips(images), {1, 2, 2});  // [2, 6, 8]
  REQUIRE(patches.shape() == Shape{2, 6, 8});
  // Second patch of the first row: columns 2 and 3 of rows 0 and 1; channel 1 starts at 24.
  CHECK(select(select(patches, 0, 0), 0, 1).to_vector<double>() == std::vector<double>{2, 3, 8, 9, 26, 27, 32, 33});
  CHECK_THROWS_AS(patchify(as_clips(images), {1, 3, 3}), ShapeError);
}

TEST_CASE("patches: tokens may hold their channels last, as the released DiT writes them") {
  const Tensor tokens = numbered({1, 6, 8});
  const Tensor image = unpatchify(tokens, {1, 2, 3}, {1, 2, 2}, PatchOrder::channel_last);
  REQUIRE(image.shape() == Shape{1, 1, 2, 4, 6});
  CHECK(select(select(select(select(image, 0, 0), 0, 0), 0, 1), 0, 0).to_vector<double>() ==
        std::vector<double>{1, 3, 9, 11, 17, 19});  // row 0 of channel 1
  CHECK_THROWS_AS(unpatchify(tokens, {1, 2, 2}, {1, 2, 2}, PatchOrder::channel_last), ShapeError);

  // The same clip from tokens in either order, also where a patch spans several frames.
  const Tensor clip = numbered({2, 4, 3, 4, 6});
  const PatchSize patch{2, 2, 3};
  const PatchGrid grid = patch_grid(clip.shape(), patch);
  const Tensor first = patchify(clip, patch);
  const Tensor channels = reshape(first, {2, grid.tokens(), 3, patch.volume()});
  const Tensor last = reshape(permute(channels, {0, 1, 3, 2}), first.shape());
  CHECK(unpatchify(last, grid, patch, PatchOrder::channel_last).to_vector<float>() == clip.to_vector<float>());
}

TEST_CASE("patches: the embedding is stored as a kernel or as a matrix, with the same values") {
  const auto weight = [](PatchOrder order, const PatchSize& patch) {
    Generator rng(1);
    PatchEmbed embed(3, patch, order, 8, rng);
    return nn::named_tensors(embed).at(0);
  };
  const nn::NamedTensor matrix = weight(PatchOrder::channel_first, {1, 2, 4});
  const nn::NamedTensor kernel = weight(PatchOrder::channel_last, {1, 2, 4});
  CHECK(matrix.name == "proj.weight");
  CHECK(kernel.name == matrix.name);
  CHECK_EQ(matrix.tensor.shape(), Shape{8, 24});
  CHECK_EQ(kernel.tensor.shape(), Shape{8, 3, 2, 4});
  CHECK_EQ(weight(PatchOrder::channel_last, {2, 2, 4}).tensor.shape(), Shape{8, 3, 2, 2, 4});
  CHECK(kernel.tensor.to_vector<float>() == matrix.tensor.to_vector<float>());
  Generator first(1), last(1);
  const PatchEmbed of_matrix(3, {2, 2, 2}, PatchOrder::channel_first, 8, first);
  const PatchEmbed of_kernel(3, {2, 2, 2}, PatchOrder::channel_last, 8, last);
  const Tensor clips = Generator(2).normal({2, 4, 3, 4, 6});
  CHECK(of_kernel(clips).to_vector<float>() == of_matrix(clips).to_vector<float>());
}
