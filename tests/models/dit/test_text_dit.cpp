// PixArt, Latte with texts and Stable Diffusion 3 against diffusers: outputs, gradients, names, numbers of parameters.
#include <doctest/doctest.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/profiler.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/cost.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/models/dit/text_names.h>
#include <ditharos/nn/inference.h>
#include <ditharos/nn/state_dict.h>
#include "tests/models/published_golden.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using namespace ditharos::tests;

namespace {

const DiTConfig small_pixart = {.height = 8,
                                .width = 8,
                                .channels = 3,
                                .hidden = 12,
                                .depth = 2,
                                .heads = 2,
                                .position_scale = {.base_size = 4, .interpolation_scale = 2},
                                .stored_positions = false,
                                .variable_size = true,
                                .conditioning = Conditioning::ada_ln_single,
                                .classes = 0,
                                .caption_channels = 7,
                                .size_conditions = true};
const DiTConfig small_latte = {.height = 4,
                               .width = 4,
                               .frames = 3,
                               .channels = 3,
                               .hidden = 8,
                               .depth = 4,
                               .heads = 2,
                               .position_scale = {.base_size = 2},
                               .stored_positions = false,
                               .variable_size = true,
                               .attention = AttentionLayout::factorised,
                               .conditioning = Conditioning::ada_ln_single,
                               .classes = 0,
                               .caption_channels = 7};
const DiTConfig small_sd3 = {.height = 8,
                             .width = 8,
                             .channels = 3,
                             .hidden = 8,
                             .depth = 2,
                             .heads = 2,
                             .position_scale = {.base_size = 4, .max_size = 6},
                             .variable_size = true,
                             .conditioning = Conditioning::joint_streams,
                             .classes = 0,
                             .caption_channels = 7,
                             .pooled_projection_dim = 5,
                             .learn_sigma = false};

DiTConfig small_sd35() {
  DiTConfig config = small_sd3;
  config.qk_norm = true;
  config.dual_attention_blocks = 1;
  return config;
}

/// The inputs of a golden file; undefined where it has none.
DiTCondition inputs_of(const Golden& golden) {
  const auto tensors = published_tensors(golden, "");
  const auto at = [&](const char* name) { return tensors.contains(name) ? tensors.at(name) : Tensor{}; };
  return {.text = at("text"),
          .text_mask = at("mask"),
          .pooled = at("pooled"),
          .resolution = at("resolution"),
          .aspect_ratio = at("aspect_ratio")};
}

DiT loaded(const DiTConfig& config, const nn::NameMap& names, const Golden& golden) {
  Generator rng(1);
  DiT model(config, rng);
  load_published(model, names, golden, "");
  return model;
}

/// Outputs and gradients, with blocks kept and recomputed.
void check_against_diffusers(const DiTConfig& config, const nn::NameMap& names, const std::string& file) {
  for (const bool recompute : {false, true}) {
    const Golden golden(file);
    CAPTURE(file);
    CAPTURE(recompute);
    DiT model = loaded(config, names, golden);
    check_published_state(model, names, golden, "");
    model.set_recompute(recompute);
    DiTCondition conditions = inputs_of(golden);
    const Tensor x = golden.at("x");
    nn::audit(sum(model(x, golden.at("t"), conditions)), model);
    x.set_requires_grad();
    conditions.text.set_requires_grad();
    if (conditions.pooled.defined()) conditions.pooled.set_requires_grad();
    const Tensor out = model(x, golden.at("t"), conditions);
    CHECK_LT(difference(out, golden.at("out")), 1e-5);
    sum(out * golden.at("cotangent")).backward();
    check_published_gradients(model, names, golden, "", 1e-4);
    CHECK_LT(difference(x.grad(), golden.at("grad_x")), 1e-4);
    CHECK_LT(difference(conditions.text.grad(), golden.at("grad_text")), 1e-4);
    if (conditions.pooled.defined()) CHECK_LT(difference(conditions.pooled.grad(), golden.at("grad_pooled")), 1e-4);
    const nn::InferenceMode inference;  // with packed weights
    CHECK_LT(difference(model(x, golden.at("t"), conditions), golden.at("out")), 1e-5);
  }
}

}  // namespace

TEST_CASE("text DiT: PixArt's outputs and gradients are diffusers', for other sizes and without padding too") {
  check_against_diffusers(small_pixart, pixart_names(), "pixart.safetensors");
  const Golden golden("pixart.safetensors");
  const DiT model = loaded(small_pixart, pixart_names(), golden);
  const NoGrad no_grad;
  DiTCondition conditions = inputs_of(golden);
  CHECK_LT(difference(model(golden.at("x.wide"), golden.at("t"), conditions), golden.at("out.wide")), 1e-5);
  conditions.text_mask = {};
  CHECK_LT(difference(model(golden.at("x"), golden.at("t"), conditions), golden.at("out.unmasked")), 1e-5);
}

TEST_CASE("text DiT: Latte's outputs and gradients are diffusers'") {
  check_against_diffusers(small_latte, latte_text_names(small_latte), "latte_text.safetensors");
}

TEST_CASE("text DiT: the outputs and gradients of Stable Diffusion 3 and 3.5 are diffusers', for other sizes too") {
  for (const auto& [config, file] :
       {std::pair{small_sd3, "sd3.safetensors"}, std::pair{small_sd35(), "sd35.safetensors"}}) {
    check_against_diffusers(config, sd3_names(config), file);
    const Golden golden(file);
    const DiT model = loaded(config, sd3_names(config), golden);
    const NoGrad no_grad;
    CHECK_LT(difference(model(golden.at("x.wide"), golden.at("t"), inputs_of(golden)), golden.at("out.wide")), 1e-5);
  }
}

TEST_CASE("text DiT: joint streams take no notice of padding, and rotary positions are the clip's") {
  Generator rng(2);
  DiTConfig config = small_sd35();
  config.positions = Positions::none;
  config.position_scale = {};
  config.rotary = Rotary::spacetime;
  config.hidden = 12;
  config.frames = 3;
  DiT model(config, rng);
  nn::NamedTensors state;  // without the zeros that an untrained model has
  for (const auto& [name, tensor] : nn::named_tensors(model)) state.push_back({name, rng.normal(tensor.shape()) * .3});
  nn::load_state_dict(model, state);
  const NoGrad no_grad;
  const Tensor x = rng.normal({2, 3, 3, 4, 8}), t = from_vector<float>({3, 500}, {2});
  const Tensor text = rng.normal({2, 4, 7}), pooled = rng.normal({2, 5});
  const Tensor mask = ones({2, 6}, DType::boolean);
  for (const int64_t i : {4, 5, 10, 11}) mask.mutable_data<bool>()[i] = false;
  const Tensor alone = model(x, t, DiTCondition{.text = text, .pooled = pooled});
  const Tensor padded =
      model(x, t, DiTCondition{.text = cat({text, rng.normal({2, 2, 7})}, 1), .text_mask = mask, .pooled = pooled});
  CHECK(alone.shape() == x.shape());
  CHECK_LT(difference(padded, alone), 1e-5);
  const Tensor swapped = flip(x, {1});  // other positions: not the same tokens in another order
  CHECK_GT(difference(flip(model(swapped, t, DiTCondition{.text = text, .pooled = pooled}), {1}), alone), 1e-3);
}

TEST_CASE("text DiT: conditions by index, as guidance and samplers give them") {
  const Golden golden("sd3.safetensors");
  const DiT model = loaded(small_sd3, sd3_names(small_sd3), golden);
  const NoGrad no_grad;
  const DiTCondition prompts = inputs_of(golden);
  const Tensor x = slice(golden.at("x"), 0, 1, 2), t = slice(golden.at("t"), 0, 1, 2);
  const Tensor out = model(cat({x, x}, 0), cat({t, t}, 0), prompts.rows(from_vector<int64_t>({1, 0}, {2})));
  CHECK_LT(difference(slice(out, 0, 0, 1), slice(golden.at("out"), 0, 1, 2)), 1e-5);
  CHECK_GT(difference(slice(out, 0, 1, 2), slice(golden.at("out"), 0, 1, 2)), 1e-3);
}

TEST_CASE("text DiT: a block starts as the identity, and the last layer at zero") {
  Generator rng(3);
  for (const DiTConfig& config : {small_sd3, small_sd35(), small_pixart}) {
    const DiT model(config, rng);
    DiTCondition conditions{.text = rng.normal({1, 4, 7})};
    if (config.pooled_projection_dim > 0) conditions.pooled = rng.normal({1, 5});
    if (config.size_conditions) conditions.resolution = ones({1, 2}), conditions.aspect_ratio = ones({1});
    const NoGrad no_grad;
    CHECK_EQ(amax(abs(model(rng.normal({1, 3, 8, 8}), ones({1}), conditions))).item(), 0);
  }
}

TEST_CASE("text DiT: as many parameters and products as counted, and as many parameters as published") {
  Generator rng(4);
  for (DiTConfig config : {small_pixart, small_latte, small_sd3, small_sd35()}) {
    config.depth = 4;
    const DiT model(config, rng);
    CHECK_EQ(nn::parameter_count(model), count_parameters(config).trainable);
    int64_t total = 0;
    for (const auto& [name, tensor] : nn::named_tensors(model)) total += tensor.numel();
    CHECK_EQ(total, count_parameters(config).total);

    DiTCondition conditions{.text = rng.normal({1, 5, 7})};
    if (config.pooled_projection_dim > 0) conditions.pooled = rng.normal({1, 5});
    if (config.size_conditions) conditions.resolution = ones({1, 2}), conditions.aspect_ratio = ones({1});
    const NoGrad no_grad;
    Profiler profiler;
    static_cast<void>(model(rng.normal({1, config.frames, 3, 4, 8}), ones({1}), conditions));
    profiler.stop();
    double flops = 0;
    for (const ProfileEvent& event : profiler.events()) flops += event.flops;
    CHECK_EQ(flops, 2.0 * double(count_macs(config, {config.frames, 3, 4, 8}, 5)));
  }
  const auto trainable = [](const DiTConfig& config) { return count_parameters(config).trainable; };
  CHECK_EQ(trainable(pixart_preset("XL/2")), 610'856'096);
  CHECK_EQ(trainable(pixart_preset("XL/2-512")), 610'856'096);
  CHECK_EQ(trainable(pixart_preset("XL/2-1024")), 611'349'152);
  CHECK_EQ(trainable(latte_text_preset()), 1'057'246'880);
  CHECK_EQ(trainable(sd3_preset("3-medium")), 2'028'328'000);
  CHECK_EQ(trainable(sd3_preset("3.5-medium")), 2'243'171'520);
  CHECK_EQ(trainable(sd3_preset("3.5-large")), 8'056'627'520);
  for (const std::string& name : pixart_preset_names()) pixart_preset(name).validate();
  for (const std::string& name : sd3_preset_names()) sd3_preset(name).validate();
  CHECK_THROWS_AS(pixart_preset("XL/4"), ConfigError);
  CHECK_THROWS_AS(sd3_preset("4"), ConfigError);
}

TEST_CASE("text DiT: wrong conditions and configurations are refused in a sentence") {
  Generator rng(5);
  const Tensor x = zeros({2, 3, 8, 8}), t = zeros({2}), text = zeros({2, 4, 7}), pooled = zeros({2, 5});
  const auto message = [&](const DiTConfig& config, const DiTCondition& conditions, const Tensor& times) {
    const DiT model(config, rng);
    return message_of<Error>([&] { model(x, times, conditions); });
  };
  CHECK_EQ(message(small_sd3, {.pooled = pooled}, t),
           "[DiT] this model takes features of texts, DiTCondition::text, of shape [2, L, 7]; got none");
  CHECK_EQ(message(small_sd3, {.text = text}, t),
           "[DiT] this model takes a vector of each text, DiTCondition::pooled, of shape [2, 5]; got none");
  CHECK_EQ(message(small_sd3, {.text = text, .text_mask = ones({2, 3}, DType::boolean), .pooled = pooled}, t),
           "[DiT] text_mask must have shape [2, 4], got [2, 3]");
  CHECK_EQ(message(small_sd3, {.text = text, .text_mask = ones({2, 4}), .pooled = pooled}, t),
           "[DiT] text_mask must be bool (true: a token), got f32");
  CHECK_EQ(message(small_sd3, {.conditions = zeros({2}, DType::i64), .text = text, .pooled = pooled}, t),
           "[DiT] this model takes features of texts, DiTCondition::text, and no other conditions; got [2]");
  CHECK_EQ(message(small_sd3, {.text = text, .pooled = pooled}, zeros({2, 1})),
           "[DiT] this model takes one time per sample, shape [2], because the text is a stream of its own; got [2, "
           "1]");
  CHECK_EQ(message(small_sd3, {.text = text, .pooled = pooled, .resolution = zeros({2, 2})}, t),
           "[DiT] this model takes no resolution and no aspect_ratio; got [2, 2] and none");
  CHECK_EQ(message(small_pixart, {.text = text, .resolution = zeros({2, 2})}, t),
           "[DiT] this model takes DiTCondition::resolution of shape [2, 2] and aspect_ratio of shape [2]; got [2, 2] "
           "and none");
  CHECK_EQ(message({.height = 8, .width = 8, .channels = 3, .hidden = 8, .depth = 1, .heads = 2, .classes = 0},
                   {.text = text}, t),
           "[DiT] this model takes no text features; got [2, 4, 7]");
  const auto refused = [](DiTConfig config, auto&& change) {
    change(config);
    return message_of<ConfigError>([&] { config.validate(); });
  };
  CHECK_EQ(refused(small_sd3, [](DiTConfig& c) { c.caption_channels = c.pooled_projection_dim = 0; }),
           "joint_streams are of images and text features: caption_channels must be above 0");
  CHECK_EQ(refused(small_sd3, [](DiTConfig& c) { c.classes = 3; }),
           "a model takes labels, prompts, text embeddings or text features, not several of them; with "
           "caption_channels = 7 the others must be 0");
  CHECK_EQ(refused(small_sd3, [](DiTConfig& c) { c.attention = AttentionLayout::factorised; }),
           "joint_streams have joint attention, layer norms, gelu_tanh MLPs, shifts, and one embedder");
  CHECK_EQ(refused(small_sd3, [](DiTConfig& c) { c.dual_attention_blocks = 3; }),
           "dual_attention_blocks are the first of the 2 blocks with joint_streams; got 3");
  CHECK_EQ(refused(small_pixart, [](DiTConfig& c) { c.hidden = 8; }),
           "size_conditions embed height, width and aspect ratio in a third of hidden each, for adaLN; hidden must be "
           "divisible by 3, got 8");
}
