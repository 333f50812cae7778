// Blocks of the diffusion transformer: identity at initialisation, and the axes of attention.
#include <doctest/doctest.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/block.h>
#include <ditharos/models/dit/dit.h>
#include "tests/support/golden.h"
#include "tests/support/small_dit.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::clip_config;
using ditharos::tests::difference;
using ditharos::tests::image_config;
using ditharos::tests::randomized;
using ditharos::tests::same_bits;

TEST_CASE("dit block: starts as the identity") {
  Generator rng(6);
  const DiTBlock of_images(image_config(), rng), of_clips(clip_config(), rng);
  const Tensor tokens = rng.normal({2, 6, 8}), x = rng.normal({2, 6, 16});
  CHECK_EQ(difference(of_images(tokens, rng.normal({2, 8})), tokens), 0);
  const DiTContext context{.batch = 2,
                           .grid = {3, 1, 2},
                           .joint = rotary_table({3, 1, 2}, 8, 100),
                           .text = rng.normal({2, 5, 8}),
                           .text_mask = ones({2, 1, 1, 5}, DType::boolean)};
  CHECK_EQ(difference(of_clips(x, rng.normal({2, 16}), context), x), 0);
}

TEST_CASE("dit block: without a context its tokens are those of whole samples") {
  Generator rng(7);
  const DiTBlock block = randomized(DiTBlock(image_config(), rng));
  const Tensor x = rng.normal({2, 6, 8}), condition = rng.normal({2, 8});
  CHECK(same_bits(block(x, condition), block(x, condition, DiTContext{.batch = 2, .grid = {1, 2, 3}})));
}

TEST_CASE("dit block: without positions, moving tokens moves the result and changes nothing else") {
  Generator rng(4);
  const DiTBlock block = randomized(DiTBlock(clip_config(), rng));
  const PatchGrid grid{2, 2, 2};
  const Tensor x = rng.normal({1, 8, 16}), condition = rng.normal({1, 16}), order = rng.permutation(8);
  DiTContext context{
      .batch = 1, .grid = grid, .text = rng.normal({1, 5, 8}), .text_mask = ones({1, 1, 1, 5}, DType::boolean)};
  const auto moved_difference = [&] {
    const Tensor moved = block(index_select(x, 1, order), condition, context);
    return difference(moved, index_select(block(x, condition, context), 1, order));
  };
  CHECK_LT(moved_difference(), 1e-5);
  context.joint = rotary_table(grid, 8, 100);
  CHECK_GT(moved_difference(), 1e-3);
}

TEST_CASE("dit block: factorised attention is within a frame, then within a spatial position") {
  Generator rng(9);
  const NoGrad no_grad;
  const PatchGrid grid{3, 2, 2};
  const DiTContext context{.batch = 1,
                           .grid = grid,
                           .spatial = rotary_table({1, 2, 2}, 8, 100),
                           .temporal = rotary_table({3, 1, 1}, 8, 100)};
  const Tensor x = rng.normal({1, 12, 16});
  // Which tokens change when token 5 (frame 1, spatial position 1) does?
  const auto reached = [&](AttentionAxes axes) {
    const nn::Attention attention = randomized(nn::Attention(clip_config().hidden, clip_config().heads, rng));
    const auto attend = [&](const Tensor& tokens) {
      const nn::AttentionInputs positions{.positions = context.positions(axes)};
      return from_sequences(attention(to_sequences(tokens, axes, context), positions), axes, context, tokens.shape());
    };
    const Tensor other = contiguous(x + 0.0);
    for (int64_t i = 0; i < 16; ++i) other.mutable_data<float>()[5 * 16 + i] += 1;
    const Tensor change = amax(abs(attend(other) - attend(x)), {2});
    std::vector<int64_t> tokens;
    for (int64_t i = 0; i < 12; ++i)
      if (change.select(1, i).item() > 1e-6) tokens.push_back(i);
    return tokens;
  };
  CHECK(reached(AttentionAxes::spatial) == std::vector<int64_t>{4, 5, 6, 7});
  CHECK(reached(AttentionAxes::temporal) == std::vector<int64_t>{1, 5, 9});
  DiTConfig config = clip_config();
  config.attention = AttentionLayout::factorised;
  Generator first(1), second(1);
  const DiT joint = randomized(DiT(clip_config(), first)), factorised = randomized(DiT(config, second));
  const Tensor clips = rng.normal({1, 3, 2, 4, 4}), t = rng.uniform({1}), prompts = rng.randint(1, 9, {1, 5});
  CHECK(factorised(clips, t, prompts).shape() == clips.shape());
  CHECK_GT(difference(factorised(clips, t, prompts), joint(clips, t, prompts)), 1e-3);
}

TEST_CASE("dit block: its index decides the axes of a factorised model") {
  for (int64_t i = 0; i < 4; ++i) {
    CHECK(attention_axes(AttentionLayout::joint, i, 4) == AttentionAxes::joint);
    CHECK(attention_axes(AttentionLayout::factorised, i, 4) ==
          (i % 2 == 0 ? AttentionAxes::spatial : AttentionAxes::temporal));
  }
}
