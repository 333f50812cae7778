// The text encoder: what a prompt's vectors depend on, its derivatives and its messages.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/text/encoder.h>
#include <ditharos/nn/state_dict.h>
#include "tests/support/golden.h"

namespace ditharos::test_text_encoder {

using namespace ditharos::models;
using ditharos::tests::difference;

namespace {

const TextEncoderConfig small = {.vocabulary = 11, .length = 6, .width = 12, .depth = 2, .heads = 3};

Tensor tokens_of(const std::vector<int64_t>& values, int64_t length) {
  const auto batch = int64_t(values.size()) / length;
  return from_vector(values, {batch, length});
}

}  // namespace

TEST_CASE("text encoder: shapes, mask, and as many parameters as counted") {
  Generator rng(1);
  TextEncoder encoder(small, rng);
  CHECK_EQ(nn::parameter_count(encoder), count_parameters(small));
  const EncodedText text = encoder(tokens_of({1, 4, 0, 2, 3, 10}, 3));
  CHECK(text.tokens.shape() == Shape{2, 3, 12});
  CHECK(text.pooled.shape() == Shape{2, 12});
  CHECK(text.mask.to_vector<int64_t>() == std::vector<int64_t>{1, 1, 0, 1, 1, 1});
  const Tensor first = slice(text.tokens, 0, 0, 1);
  CHECK_LT(difference(slice(text.pooled, 0, 0, 1), mean(slice(first, 1, 0, 2), {1})), 1e-6);
  CHECK_LT(difference(slice(text.pooled, 0, 1, 2), mean(slice(text.tokens, 0, 1, 2), {1})), 1e-6);
  nn::NamedTensors parameters = nn::named_parameters(encoder);
  const auto embedding = std::find_if(parameters.begin(), parameters.end(),
                                      [](const nn::NamedTensor& p) { return p.name == "embedding.weight"; });
  REQUIRE(embedding != parameters.end());
  const Tensor words = index_select(embedding->tensor, 0, from_vector<int64_t>({1, 4, 2, 3, 10}));
  CHECK_LT(difference(slice(text.words, 0, 0, 1), mean(slice(words, 0, 0, 2), {0}, true)), 1e-6);
  CHECK_LT(difference(slice(text.words, 0, 1, 2), mean(slice(words, 0, 2, 5), {0}, true)), 1e-6);
  const EncodedText cut = encoder(tokens_of({1, 4, 0, 0, 0, 2, 0, 10, 0, 0}, 5));  // padding within a prompt stays
  CHECK(cut.tokens.shape() == Shape{2, 3, 12});
  CHECK(cut.mask.to_vector<int64_t>() == std::vector<int64_t>{1, 1, 0, 1, 0, 1});
}

TEST_CASE("text encoder: padding and the other prompts change nothing, order does") {
  Generator rng(2);
  const TextEncoder encoder(small, rng);
  const NoGrad no_grad;
  const Tensor alone = encoder(tokens_of({1, 4, 7}, 3)).pooled;
  const Tensor padded = encoder(tokens_of({1, 4, 7, 0, 0, 0, 3, 3, 3, 3, 3, 3}, 6)).pooled;
  CHECK_LT(difference(slice(padded, 0, 0, 1), alone), 1e-5);
  CHECK_GT(difference(encoder(tokens_of({1, 7, 4}, 3)).pooled, alone), 1e-3);
  CHECK_GT(difference(encoder(tokens_of({1, 4, 8}, 3)).pooled, alone), 1e-3);
}

TEST_CASE("text encoder: an empty prompt is finite, zero when pooled, and has finite gradients") {
  Generator rng(3);
  TextEncoder encoder(small, rng);
  const EncodedText text = encoder(zeros({2, 4}, DType::i64));
  CHECK(text.tokens.shape() == Shape{2, 1, 12});
  CHECK_EQ(amax(abs(text.pooled)).item(), 0);
  CHECK(std::isfinite(sum(text.tokens).item()));
  (sum(square(text.tokens)) + sum(text.pooled)).backward();
  for (const auto& [name, tensor] : nn::named_parameters(encoder)) {
    const auto shown = name;
    CAPTURE(shown);
    REQUIRE(tensor.grad().defined());
    CHECK(std::isfinite(sum(abs(tensor.grad())).item()));
  }
}

TEST_CASE("text encoder: every parameter learns, and padding's vector does not through the pooled one") {
  Generator rng(4);
  TextEncoder encoder(small, rng);
  const Tensor weights = rng.normal({1, 12});  // the sum of a normalised vector would be constant
  const Tensor loss = sum(encoder(tokens_of({1, 4, 7, 0, 2, 3, 5, 6}, 4)).pooled * weights);
  nn::audit(loss, encoder);
  loss.backward();
  for (const auto& [name, tensor] : nn::named_parameters(encoder)) {
    const auto shown = name;
    CAPTURE(shown);
    CHECK_GT(amax(abs(tensor.grad())).item(), 0);
    if (name == "embedding.weight") CHECK_EQ(amax(abs(slice(tensor.grad(), 0, 0, 1))).item(), 0);
  }
}

TEST_CASE("text encoder: wrong tokens are refused in a sentence") {
  Generator rng(5);
  const TextEncoder encoder(small, rng);
  CHECK_THROWS_WITH_AS(encoder(Tensor()), "[TextEncoder] tokens must have shape [B, L], got none", ShapeError);
  CHECK_THROWS_WITH_AS(encoder(zeros({3}, DType::i64)), "[TextEncoder] tokens must have shape [B, L], got [3]",
                       ShapeError);
  CHECK_THROWS_WITH_AS(encoder(zeros({1, 7}, DType::i64)), "[TextEncoder] a prompt may have 1 to 6 tokens, got 7",
                       ShapeError);
  CHECK_THROWS_AS(encoder(full({1, 2}, -1, DType::i64)), Error);
  CHECK_THROWS_AS(TextEncoder({.vocabulary = 0}, rng), ConfigError);
}

}  // namespace ditharos::test_text_encoder
