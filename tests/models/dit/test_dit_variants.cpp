// Configurations of the diffusion transformer against compositions in PyTorch, by the keys of the published code.
#include <doctest/doctest.h>

#include <functional>
#include <map>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/dit_names.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/nn/state_dict.h>
#include "tests/models/dit/fill.h"
#include "tests/support/golden.h"
#include "tests/support/message_of.h"
#include "tests/support/tensor_cases.h"

namespace ditharos::test_dit_variants {

using namespace ditharos::models;
using ditharos::tests::difference;
using ditharos::tests::fill;
using ditharos::tests::filled;
using ditharos::tests::Golden;
using ditharos::tests::message_of;
using ditharos::tests::same_bits;

namespace {

/// The DEFAULTS of the script.
DiTConfig base() {
  return {
      .height = 4, .width = 6, .channels = 2, .hidden = 8, .depth = 2, .heads = 2, .classes = 3, .learn_sigma = false};
}

struct Case {
  const char* name;
  std::function<void(DiTConfig&)> change;
};

const std::vector<Case>& cases() {
  const auto lightning = [](DiTConfig& c) {
    c.hidden = 16, c.norm = Norm::rms, c.rotary = Rotary::spatial, c.rope_base = 10000;
  };
  const auto latte = [](DiTConfig& c, AttentionLayout layout) { c.frames = 3, c.attention = layout; };
  static const std::vector<Case> all{
      {"in_context", [](DiTConfig& c) { c.conditioning = Conditioning::in_context; }},
      {"in_context_unconditional",
       [](DiTConfig& c) {
         c.conditioning = Conditioning::in_context, c.classes = 0, c.rotary = Rotary::spatial, c.rope_base = 10000;
       }},
      {"cross_attention", [](DiTConfig& c) { c.conditioning = Conditioning::cross_attention; }},
      {"cross_attention_unconditional",
       [](DiTConfig& c) { c.conditioning = Conditioning::cross_attention, c.classes = 0; }},
      {"ada_ln", [](DiTConfig& c) { c.conditioning = Conditioning::ada_ln; }},
      {"lightning", [=](DiTConfig& c) { lightning(c), c.mlp = MlpKind::swiglu; }},
      {"lightning_without_shift", [=](DiTConfig& c) { lightning(c), c.qk_norm = true, c.modulation_shift = false; }},
      {"diffusers", [](DiTConfig& c) { c = as_diffusers(c), c.learn_sigma = true; }},
      {"diffusers_without_bias", [](DiTConfig& c) { c = as_diffusers(c), c.qkv_bias = false; }},
      {"learned_positions", [](DiTConfig& c) { c.positions = Positions::learned, c.frames = 3; }},
      {"latte",
       [=](DiTConfig& c) { latte(c, AttentionLayout::factorised), c.classes = 0, c.depth = 4, c.learn_sigma = true; }},
      {"latte_labels", [=](DiTConfig& c) { latte(c, AttentionLayout::factorised); }},
      {"latte_text",
       [=](DiTConfig& c) { latte(c, AttentionLayout::factorised), c.classes = 0, c.text_embedding = 10; }},
      {"latte_late_fusion", [=](DiTConfig& c) { latte(c, AttentionLayout::late_fusion), c.depth = 4; }},
      {"latte_sequential", [=](DiTConfig& c) { latte(c, AttentionLayout::sequential); }},
      {"latte_split_heads", [=](DiTConfig& c) { latte(c, AttentionLayout::split_heads); }},
      {"clips_in_context", [](DiTConfig& c) { c.frames = 3, c.conditioning = Conditioning::in_context; }},
      {"clips_cross_attention",
       [=](DiTConfig& c) { latte(c, AttentionLayout::factorised), c.conditioning = Conditioning::cross_attention; }},
  };
  return all;
}

DiT model_of(const DiTConfig& config) {
  Generator rng(1);
  return filled(DiT(config, rng));
}

/// x, t and conditions, as the script's inputs().
struct Inputs {
  explicit Inputs(const DiTConfig& c)
      : x(c.frames > 1 ? fill("x", {2, c.frames, c.channels, c.height, c.width})
                       : fill("x", {2, c.channels, c.height, c.width})) {
    if (c.condition() == Condition::label) conditions = from_vector<int64_t>({1, 3});
    if (c.condition() == Condition::text_embedding) conditions = fill("text", {2, 2, c.text_embedding / 2});
  }

  Tensor x, t = from_vector<float>({17, 803}), conditions = {};
};

}  // namespace

TEST_CASE("dit variants: predictions and the gradients of every parameter as in PyTorch") {
  const Golden golden("dit_variants.golden");
  for (const Case& c : cases()) {
    CAPTURE(c.name);
    DiTConfig config = base();
    c.change(config);
    for (const bool recompute : {false, true}) {
      DiT model = model_of(config);
      model.set_recompute(recompute);
      const Inputs in(config);
      in.x.set_requires_grad();
      const Tensor out = model(in.x, in.t, in.conditions);
      // PyTorch's side was computed in double, without the rounding of the angles of the time features.
      CHECK_LT(difference(out, golden.at(std::string(c.name) + ".out")), 1e-5);
      const Tensor loss = sum(out * fill("cotangent", out.shape()));
      loss.backward();
      nn::NamedTensors gradients{{"x", in.x.grad()}};
      for (const auto& [name, parameter] : nn::named_parameters(model)) gradients.push_back({name, parameter.grad()});
      for (const auto& [name, gradient] : gradients) {
        const auto shown = name;
        CAPTURE(shown);
        REQUIRE(gradient.defined());
        const std::vector<double> want = golden.at(std::string(c.name) + ".grad." + name).to_vector<double>();
        const double along = sum(gradient * fill(name + ".direction", gradient.shape())).item();
        const double norm = std::sqrt(sum(square(gradient)).item());
        // The gradients of the keys' biases are zero but for rounding: softmax does not see them.
        CHECK_LT(std::abs(along - want[0]), 4e-5 * want[1] + 1e-5);
        CHECK_LT(std::abs(norm - want[1]), 4e-5 * want[1] + 1e-5);
      }
      CHECK_EQ(gradients.size(), golden.with_prefix(std::string(c.name) + ".grad.").size());
    }
  }
}

TEST_CASE("dit variants: tables of scaled coordinates, cropped and continued as in diffusers") {
  const Golden golden("dit_variants.golden");
  CHECK_LT(difference(position_table(3, 5, 8, {.base_size = 2, .interpolation_scale = 2}), golden.at("table.base")),
           1e-6);
  CHECK_LT(difference(position_table(2, 3, 8, {.interpolation_scale = 1.5}), golden.at("table.scale")), 1e-6);
  CHECK_LT(difference(temporal_table(5, 8), golden.at("table.frames")), 1e-6);
  DiTConfig config = base();
  config.position_scale = {.base_size = 4, .max_size = 6};
  Generator rng(1);
  const PositionEmbedding positions(config, rng);
  CHECK_LT(difference(positions.spatial({1, 4, 2}, DType::f32), golden.at("table.crop")), 1e-6);
  CHECK(message_of<ConfigError>([&] { positions.spatial({1, 7, 2}, DType::f32); }) ==
        "7 rows and 2 columns of patches do not fit into a position table of max_size 6");
}

TEST_CASE("dit variants: a model of variable size takes other grids than its table's") {
  const NoGrad no_grad;
  DiTConfig config = base();
  config.variable_size = true;
  DiTConfig other = config;
  other.height = 8, other.width = 2;
  const Tensor x = fill("other", {2, 2, 8, 2}), t = from_vector<float>({3, 4}), y = from_vector<int64_t>({0, 1});
  // The coordinates count patches, so the table of a grid is that of a model made for it.
  CHECK(same_bits(model_of(config)(x, t, y), model_of(other)(x, t, y)));
  CHECK(model_of(config)(fill("clip", {2, 3, 2, 4, 6}), t, y).shape() == Shape{2, 3, 2, 4, 6});
  config.variable_size = false;
  CHECK(message_of<ShapeError>([&] { model_of(config)(x, t, y); }) ==
        "[DiT] x must be images of 4x6, of which the model has its position table: shape [B, 2, 4, 6], got "
        "[2, 2, 8, 2]");
  config.frames = 3;
  CHECK(message_of<ShapeError>([&] { model_of(config)(fill("clip", {2, 2, 2, 4, 6}), t, y); }) ==
        "[DiT] x must be clips of 3 frames of 4x6, of which the model has its position tables: shape [B, 3, 2, 4, 6], "
        "got [2, 2, 2, 4, 6]");
}

TEST_CASE("dit variants: learned positions are resampled for other grids, and learn through it") {
  DiTConfig config = base();
  config.positions = Positions::learned;
  config.frames = 2;
  config.variable_size = true;
  Generator rng(1);
  PositionEmbedding positions(config, rng);
  std::map<std::string, Tensor> tables;
  for (const auto& [name, tensor] : nn::named_parameters(positions)) tables[name] = tensor;
  const auto put = [&](const char* name, std::initializer_list<float> rows) {  // all 8 numbers of a vector are equal
    float* out = tables.at(name).mutable_data<float>();
    for (const float v : rows) out = std::fill_n(out, 8, v);
  };
  put("pos_embed", {0, 1, 2, 3, 4, 5});  // 2 rows of 3
  put("temp_embed", {0, 4});
  const auto first = [](const Tensor& table) { return contiguous(select(table, 2, 0)).to_vector<float>(); };
  CHECK(first(positions.spatial({1, 2, 3}, DType::f32)) == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(first(positions.spatial({1, 1, 3}, DType::f32)) == std::vector<float>{1.5, 2.5, 3.5});
  CHECK(first(positions.temporal(4, DType::f32)) == std::vector<float>{0, 1, 3, 4});
  DiT model = model_of(config);
  const Tensor out = model(fill("x", {2, 4, 2, 6, 2}), from_vector<float>({3, 4}), from_vector<int64_t>({0, 1}));
  sum(square(out)).backward();
  for (const auto& [name, tensor] : nn::named_parameters(model)) {
    if (name.find("_embed") == std::string::npos || name.find("embedder") != std::string::npos) continue;
    CHECK_GT(amax(abs(tensor.grad())).item(), 0);
  }
}

TEST_CASE("dit variants: diffusers' names, with embedders in every block and with one") {
  DiTConfig config = as_diffusers(base());
  const DiT model = model_of(config);
  const nn::NameMap names = diffusers_dit_names(config);
  std::map<std::string, Tensor> published = names.to_published(nn::named_tensors(model));
  CHECK_EQ(published.size(), 2 + 2 * 19 + 4);
  CHECK(published.at("transformer_blocks.1.attn1.to_k.weight").shape() == Shape{8, 8});
  CHECK(published.at("transformer_blocks.1.norm1.emb.class_embedder.embedding_table.weight").shape() == Shape{4, 8});
  CHECK(published.at("pos_embed.proj.weight").shape() == Shape{8, 2, 2, 2});
  Generator rng(2);
  DiT loaded(config, rng);
  CHECK(names.fit(published, nn::named_tensors(loaded)).complete());
  nn::load_state_dict(loaded, names.to_own(published, nn::named_tensors(loaded)));
  const Inputs in(config);
  CHECK(same_bits(model(in.x, in.t, in.conditions), loaded(in.x, in.t, in.conditions)));

  config.per_block_embedders = false;
  DiT shared(config, rng);
  const nn::NameMap copies = diffusers_dit_names(config);
  CHECK_THROWS_AS(static_cast<void>(copies.to_own(published, nn::named_tensors(shared))), ConfigError);
  for (auto& [name, tensor] : published) {
    const size_t block = name.find(".1.norm1.emb.");
    if (block != std::string::npos) tensor = published.at(std::string(name).replace(block, 3, ".0."));
  }
  nn::load_state_dict(shared, copies.to_own(published, nn::named_tensors(shared)));
  nn::load_state_dict(loaded, names.to_own(published, nn::named_tensors(loaded)));
  CHECK_LT(difference(shared(in.x, in.t, in.conditions), loaded(in.x, in.t, in.conditions)), 1e-6);
}

TEST_CASE("dit variants: the official names are the models' own") {
  DiTConfig config = lightning_dit_preset("B/2");
  config.height = config.width = 4, config.hidden = 16, config.depth = 1, config.heads = 2, config.classes = 3;
  DiT model = model_of(config);
  std::map<std::string, Tensor> published = official_dit_names().to_published(nn::named_tensors(model));
  published["feat_rope.freqs_cos"] = published["feat_rope.freqs_sin"] = zeros({4, 8});
  CHECK(official_dit_names().fit(published, nn::named_tensors(model)).complete());
  for (const char* name : {"blocks.0.norm1.weight", "blocks.0.mlp.w12.bias", "final_layer.norm_final.weight"})
    CHECK(published.count(name) == 1);
  nn::load_state_dict(model, official_dit_names().to_own(published, nn::named_tensors(model)));
}

TEST_CASE("dit variants: wrong times and text embeddings are refused by name") {
  DiTConfig tokens = base(), text = base();
  tokens.conditioning = Conditioning::in_context;
  tokens.frames = 3;
  text.classes = 0, text.text_embedding = 10;
  const Tensor y = from_vector<int64_t>({1, 2});
  CHECK(message_of<ShapeError>([&] { model_of(tokens)(fill("x", {2, 3, 2, 4, 6}), zeros({2, 3}), y); }) ==
        "[DiT] this model takes one time per sample, shape [2], because its condition is tokens; got [2, 3]");
  CHECK(message_of<ShapeError>([&] { model_of(text)(fill("x", {2, 2, 4, 6}), zeros({2}), zeros({2, 9})); }) ==
        "[DiT] text embeddings must hold 10 numbers per sample, shape [2, ...], got [2, 9]");
  CHECK(text.null_condition().shape() == Shape{10});
}

}  // namespace ditharos::test_dit_variants
