// The T5 encoder against transformers', its sizes, names and messages.
#include <doctest/doctest.h>

#include <cmath>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/text/t5.h>
#include <ditharos/models/text/t5_names.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/state_dict.h>
#include "tests/models/published_golden.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using namespace ditharos::tests;

namespace {

T5Config small(T5FeedForward feed_forward) {
  return {.vocab_size = 23,
          .d_model = 12,
          .d_kv = 5,
          .d_ff = 20,
          .num_layers = 2,
          .num_heads = 2,
          .relative_attention_num_buckets = 8,
          .relative_attention_max_distance = 12,
          .feed_forward_proj = feed_forward};
}

void check_against_transformers(T5FeedForward feed_forward, const std::string& prefix) {
  const Golden golden("t5.safetensors");
  Generator rng(1);
  T5Encoder encoder(small(feed_forward), rng);
  const nn::NameMap names = t5_names()[0];
  load_published(encoder, names, golden, prefix);
  const Tensor tokens = golden.at("tokens"), mask = golden.at("mask");
  {
    const nn::InferenceMode inference;  // the fused kernel; below, a bias that needs a gradient has the composite
    CHECK_LT(difference(encoder(tokens), golden.at(prefix + "unmasked")), 1e-5);
  }
  const Tensor out = encoder(tokens, mask);
  const Tensor tokens_alone = unsqueeze(to(mask, DType::f32), 2);  // what padding becomes is of no use
  CHECK_LT(difference(out * tokens_alone, golden.at(prefix + "out") * tokens_alone), 1e-5);
  sum(out * golden.at(prefix + "cotangent")).backward();
  check_published_gradients(encoder, names, golden, prefix, 1e-4);
}

}  // namespace

TEST_CASE("T5: outputs and gradients are those of transformers' encoder of T5 and of T5 1.1") {
  check_against_transformers(T5FeedForward::relu, "relu/");
  check_against_transformers(T5FeedForward::gated_gelu, "gated_gelu/");
}

TEST_CASE("T5: buckets of relative positions are transformers'") {
  const Golden golden("t5.safetensors");
  const auto check_buckets = [&](int64_t count, int64_t distance, int64_t length) {
    const Tensor want =
        golden.at("buckets." + std::to_string(count) + "." + std::to_string(distance) + "." + std::to_string(length));
    const Tensor got = relative_position_buckets(length, count, distance);
    CHECK(select(got, 0, 0).to_vector<int64_t>() == select(want, 0, 0).to_vector<int64_t>());
    CHECK(select(got, 1, 0).to_vector<int64_t>() == select(want, 0, 1).to_vector<int64_t>());
    // Only the difference of two positions counts.
    const Tensor inner = slice(slice(got, 0, 7, length), 1, 7, length);
    CHECK(inner.to_vector<int64_t>() == slice(slice(got, 0, 0, length - 7), 1, 0, length - 7).to_vector<int64_t>());
  };
  check_buckets(32, 128, 300);
  check_buckets(8, 12, 40);
  check_buckets(48, 256, 600);
  CHECK_THROWS_AS(relative_position_buckets(4, 7, 128), ConfigError);
  CHECK_THROWS_AS(relative_position_buckets(4, 32, 8), ConfigError);
}

TEST_CASE("T5: the published sizes have the published numbers of parameters") {
  const auto count = [](const char* name) { return count_parameters(t5_preset(name)); };
  CHECK_EQ(count("t5-small"), 35'330'816);
  CHECK_EQ(count("t5-base"), 109'628'544);
  CHECK_EQ(count("t5-large"), 334'939'648);
  CHECK_EQ(count("t5-3b"), 1'240'909'824);
  CHECK_EQ(count("t5-11b"), 4'864'791'552);
  CHECK_EQ(count("t5-v1_1-small"), 35'332'800);
  CHECK_EQ(count("t5-v1_1-base"), 109'628'544);
  CHECK_EQ(count("t5-v1_1-large"), 341'231'104);
  CHECK_EQ(count("t5-v1_1-xl"), 1'223'527'424);
  CHECK_EQ(count("t5-v1_1-xxl"), 4'762'310'656);
  CHECK_EQ(t5_preset_names().size(), 10);
  CHECK_THROWS_AS(t5_preset("t5-v1_1-huge"), ConfigError);
  Generator rng(2);
  for (const T5FeedForward feed_forward : {T5FeedForward::relu, T5FeedForward::gated_gelu}) {
    const T5Config config = small(feed_forward);
    CHECK_EQ(nn::parameter_count(T5Encoder(config, rng)), count_parameters(config));
  }
}

TEST_CASE("T5: files with the embedding table once, twice, or under its other name") {
  Generator rng(3);
  const T5Encoder encoder(small(T5FeedForward::gated_gelu), rng);
  const nn::NamedTensors own = nn::named_tensors(encoder);
  const auto maps = t5_names();
  for (size_t i = 0; i < maps.size(); ++i) {
    auto published = maps[i].to_published(own);
    CHECK_EQ(published.contains("shared.weight"), i != 2);
    CHECK_EQ(published.contains("encoder.embed_tokens.weight"), i != 0);
    published.emplace("decoder.final_layer_norm.weight", ones({12}));
    published.emplace("lm_head.weight", ones({23, 12}));
    T5Encoder other(small(T5FeedForward::gated_gelu), rng);
    const nn::NamedTensors expected = nn::named_tensors(other);
    nn::load_state_dict(other, nn::best_fit(maps, published, expected).to_own(published, expected));
    const NoGrad no_grad;
    const Tensor tokens = from_vector<int64_t>({3, 22, 0, 7}, {2, 2});
    CHECK(same_bits(other(tokens), encoder(tokens)));
  }
  auto published = maps[1].to_published(own);
  published["shared.weight"] = zeros({23, 12});
  CHECK_THROWS_AS(nn::best_fit(maps, published, own).to_own(published, own), ConfigError);
}

TEST_CASE("T5: padding and other prompts change nothing, and untrained scores are of the order of 1") {
  Generator rng(4);
  const T5Encoder encoder({.vocab_size = 50,
                           .d_model = 64,
                           .d_kv = 16,
                           .d_ff = 96,
                           .num_layers = 3,
                           .num_heads = 4,
                           .feed_forward_proj = T5FeedForward::gated_gelu},
                          rng);
  const NoGrad no_grad;
  const Tensor alone = encoder(from_vector<int64_t>({5, 9, 1}, {1, 3}));
  const Tensor mask = ones({2, 5}, DType::boolean);
  mask.mutable_data<bool>()[3] = mask.mutable_data<bool>()[4] = false;
  const Tensor padded = encoder(from_vector<int64_t>({5, 9, 1, 0, 0, 3, 4, 5, 6, 7}, {2, 5}), mask);
  CHECK_LT(difference(slice(slice(padded, 0, 0, 1), 1, 0, 3), alone), 1e-5);
  CHECK_GT(difference(slice(encoder(from_vector<int64_t>({9, 5, 1}, {1, 3})), 1, 2, 3), slice(alone, 1, 2, 3)), 1e-3);
  for (const auto& [name, parameter] : nn::named_parameters(encoder)) {
    if (!name.ends_with("qkv.weight")) continue;
    const std::vector<Tensor> parts = chunk(parameter, 3, 0);
    CHECK_EQ(standard_deviation(parts[0]).item(), doctest::Approx(1 / std::sqrt(64. * 16)).epsilon(.05));
    CHECK_EQ(standard_deviation(parts[1]).item(), doctest::Approx(1 / 8.).epsilon(.05));
  }
}

TEST_CASE("T5: what does not fit is refused in a sentence") {
  Generator rng(5);
  const T5Encoder encoder(small(T5FeedForward::relu), rng);
  const Tensor tokens = zeros({2, 3}, DType::i64);
  const auto message = [&](const Tensor& ids, const Tensor& mask = {}) {
    return message_of<Error>([&] { encoder(ids, mask); });
  };
  CHECK_EQ(message({}), "[T5Encoder] tokens must have shape [B, L] with at least one token, got none");
  CHECK_EQ(message(zeros({3}, DType::i64)),
           "[T5Encoder] tokens must have shape [B, L] with at least one token, got [3]");
  CHECK_EQ(message(zeros({2, 3})), "[T5Encoder] tokens must be i64, got f32");
  CHECK_EQ(message(full({1, 1}, 23, DType::i64)),
           "[T5Encoder] a token must be in [0, 23), got 23; was another tokenizer used?");
  CHECK_EQ(message(tokens, ones({2, 4}, DType::boolean)),
           "[T5Encoder] the mask must have the shape of the tokens, [2, 3], got [2, 4]");
  CHECK_EQ(message(tokens, ones({2, 3})), "[T5Encoder] the mask must be bool (true: a token), got f32");
  const auto refused = [](T5Config config) { return message_of<ConfigError>([&] { config.validate(); }); };
  CHECK_EQ(refused({.vocab_size = 0}), "T5's vocab_size must be between 1 and 16777216, got 0");
  CHECK_EQ(refused({.d_kv = 65536, .num_heads = 2}), "T5's num_heads * d_kv must be at most 65536, got 2 * 65536");
  CHECK_EQ(refused({.relative_attention_num_buckets = 9}),
           "T5's relative_attention_num_buckets must be even and at least 4, got 9");
  CHECK_EQ(refused({.relative_attention_max_distance = 8}),
           "T5's relative_attention_max_distance must be more than a quarter of the 32 buckets, whose distances are "
           "exact, and at most 16777216; got 8");
  CHECK_EQ(refused({.layer_norm_epsilon = 0}), "T5's layer_norm_epsilon must be above 0, got 0.000000");
}
