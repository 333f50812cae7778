// The diffusion transformer: names, starting values, PyTorch's results, images as clips of one frame, inputs.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/diffusion/flow.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/io/safetensors.h>
#include "tests/support/golden_dit.h"
#include "tests/support/small_dit.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::clip_config;
using ditharos::tests::difference;
using ditharos::tests::Golden;
using ditharos::tests::golden_config;
using ditharos::tests::golden_dit;
using ditharos::tests::image_config;
using ditharos::tests::message_of;
using ditharos::tests::randomized;
using ditharos::tests::same_bits;

namespace {

Tensor labels_of(const std::vector<int64_t>& values) { return from_vector(values); }

DiT model_of(const DiTConfig& config) {
  Generator rng(1);
  return randomized(DiT(config, rng));
}

}  // namespace

TEST_CASE("dit: state-dict names, order and number are the released model's") {
  Generator rng(1);
  DiT model(golden_config, rng);
  const nn::NamedTensors own = nn::named_tensors(model), want = Golden("dit.golden").with_prefix("state.");
  REQUIRE_EQ(own.size(), want.size());
  for (size_t i = 0; i < own.size(); ++i) {
    CHECK_EQ(own[i].name, want[i].name);
    CHECK(own[i].tensor.shape() == want[i].tensor.shape());
  }
  CHECK_EQ(own.size(), size_t(10 * golden_config.depth + 12));
  CHECK_EQ(nn::named_parameters(model).size(), own.size() - 1);  // pos_embed is not trained
  CHECK_LT(difference(own[0].tensor, want[0].tensor), 1e-7);     // pos_embed: the same table
}

TEST_CASE("dit: state-dict names of a model of clips, as files hold them") {
  DiTConfig config = clip_config();
  config.depth = 1;
  config.frequency_bands = 1;
  config.qk_norm = true;
  const auto names_of = [&] {
    Generator rng(1);
    DiT model(config, rng);
    std::vector<std::string> names;
    for (const auto& [name, tensor] : nn::named_tensors(model)) {
      const bool layer = name.ends_with(".bias");  // told by its weight
      if (!layer && !name.starts_with("text_encoder.")) names.push_back(name);
    }
    return names;
  };
  CHECK(names_of() == std::vector<std::string>{"x_embedder.proj.weight",
                                               "pos_embedder.weight",
                                               "t_embedder.mlp.0.weight",
                                               "t_embedder.mlp.2.weight",
                                               "prompt_embedder.fc1.weight",
                                               "prompt_embedder.fc2.weight",
                                               "prompt_embedder.gate.weight",
                                               "blocks.0.attn.qkv.weight",
                                               "blocks.0.attn.q_norm.weight",
                                               "blocks.0.attn.k_norm.weight",
                                               "blocks.0.attn.proj.weight",
                                               "blocks.0.text.norm.shift",
                                               "blocks.0.text.norm.scale",
                                               "blocks.0.text.attn.q.weight",
                                               "blocks.0.text.attn.kv.weight",
                                               "blocks.0.text.attn.proj.weight",
                                               "blocks.0.mlp.fc1.weight",
                                               "blocks.0.mlp.fc2.weight",
                                               "blocks.0.adaLN_modulation.1.weight",
                                               "final_layer.linear.weight",
                                               "final_layer.adaLN_modulation.1.weight"});
  config.text = {};
  config.frequency_bands = 0;
  config.qk_norm = false;
  config.step_embedding = StepEmbedding::binary;
  CHECK(names_of() == std::vector<std::string>{"x_embedder.proj.weight", "t_embedder.weight",
                                               "blocks.0.attn.qkv.weight", "blocks.0.attn.proj.weight",
                                               "blocks.0.mlp.fc1.weight", "blocks.0.mlp.fc2.weight",
                                               "blocks.0.adaLN_modulation.1.weight", "final_layer.linear.weight",
                                               "final_layer.adaLN_modulation.1.weight"});
}

TEST_CASE("dit: starting values") {
  Generator rng(3);
  const DiTConfig config = {
      .height = 8, .width = 8, .channels = 3, .patch = {1, 4, 4}, .hidden = 64, .depth = 1, .heads = 4, .classes = 50};
  DiT model(config, rng);
  for (const auto& [name, tensor] : nn::named_parameters(model)) {
    const auto shown = name;
    CAPTURE(shown);
    double largest = 0, squares = 0;
    for (const double v : tensor.to_vector<double>()) {
      largest = std::max(largest, std::abs(v));
      squares += v * v;
    }
    const double deviation = std::sqrt(squares / double(tensor.numel()));
    if (name.ends_with("bias") || name.find("adaLN_modulation") != std::string::npos ||
        name.starts_with("final_layer")) {
      CHECK_EQ(largest, 0);
    } else if (name.starts_with("t_embedder") || name.starts_with("y_embedder")) {
      CHECK_LT(std::abs(deviation - .02), .001);  // normal
      CHECK_GT(largest, .05);
    } else {  // uniform; the patch embedding's fan-in is the whole patch
      const int64_t fan_out = tensor.size(0), fan_in = tensor.numel() / fan_out;
      const double bound = std::sqrt(6.0 / double(fan_in + fan_out));
      CHECK_LE(largest, bound);
      CHECK_GT(largest, .98 * bound);
      CHECK_LT(std::abs(deviation - bound / std::sqrt(3.0)), .03 * bound);
    }
  }
}

TEST_CASE("dit: prediction and every gradient as in PyTorch") {
  const Golden golden("dit.golden");
  DiT model = golden_dit();
  const Tensor prediction = model(golden.at("x"), golden.at("t"), golden.at("y"));
  CHECK_LT(difference(prediction, golden.at("prediction")), 2e-6);

  const Tensor loss = sum(prediction * golden.at("cotangent"));
  nn::audit(loss, model);
  loss.backward();
  for (const auto& [name, parameter] : nn::named_parameters(model)) {
    const auto shown = name;
    CAPTURE(shown);
    // PyTorch's side was computed in double, without the rounding of the angles of the time features.
    CHECK_LT(difference(parameter.grad(), golden.at("grad." + name)), 4e-5);
  }
}

TEST_CASE("dit: an image is a clip of one frame, to the bit") {
  DiTConfig rotary = image_config(), prompted = clip_config();
  rotary.positions = Positions::none;
  rotary.rotary = Rotary::spacetime;
  rotary.hidden = 12;
  rotary.learn_sigma = true;
  prompted.attention = AttentionLayout::factorised;
  prompted.frequency_bands = 2;
  Generator rng(2);
  const Tensor images = rng.normal({2, 2, 4, 6}), t = rng.uniform({2}) * 1000, y = labels_of({1, 3});
  const Tensor prompts = rng.randint(1, 9, {2, 5});
  for (const DiTConfig& config : {image_config(), rotary, prompted}) {
    const DiT model = model_of(config);
    const Tensor& condition = config.condition() == Condition::prompt ? prompts : y;
    const auto run = [&](const Tensor& x, const Tensor& times) {  // the result and all gradients
      x.set_requires_grad();
      std::vector<Tensor> results{model(x, times, condition)};
      for (const auto& [name, p] : nn::named_parameters(model)) p.set_grad({});
      sum(square(results[0] - 1.0)).backward();
      results.push_back(x.grad());
      for (const auto& [name, p] : nn::named_parameters(model)) results.push_back(p.grad());
      return results;
    };
    const std::vector<Tensor> image = run(images.detach(), t);
    CHECK(image[0].shape() == Shape{2, config.out_channels(), 4, 6});
    for (const Tensor& times : {t, unsqueeze(t, 1)}) {
      const std::vector<Tensor> clip = run(unsqueeze(images, 1), times);
      CHECK(clip[0].shape() == Shape{2, 1, config.out_channels(), 4, 6});
      CHECK(clip[1].shape() == Shape{2, 1, 2, 4, 6});
      for (size_t i = 0; i < image.size(); ++i) CHECK(image[i].to_vector<float>() == clip[i].to_vector<float>());
    }
  }
}

TEST_CASE("dit: an image model with rotary positions trains, on images of several sizes") {
  DiTConfig config = image_config(2);
  config.positions = Positions::none;
  config.rotary = Rotary::spacetime;
  config.hidden = 24;
  config.depth = 2;
  Generator rng(4);
  DiT model(config, rng);
  optim::AdamW optimizer(nn::named_parameters(model));
  const Flow flow({.time_scale = 1000});
  const Shape shapes[] = {{16, 2, 4, 6}, {16, 2, 6, 4}, {16, 2, 2, 2}};
  double early = 0, late = 0;
  constexpr int steps = 150;
  for (int i = 0; i < steps; ++i) {
    const Tensor labels = rng.randint(0, 2, {16});
    const Tensor level = reshape(to(labels, DType::f32) * 2.0 - 1.0, {16, 1, 1, 1});  // an image of one colour
    const Tensor images = contiguous(expand(level, shapes[i % 3]));
    const Denoiser denoiser = [&](const Tensor& x, const Tensor& t) { return model(x, t, labels); };
    const Loss loss = flow.loss(denoiser, images, rng);
    nn::zero_grad(model);
    loss.total.backward();
    optimizer.step(5e-3);
    (i < 15 ? early : late) += i < 15 || i >= steps - 15 ? loss.total.item() / 15 : 0;
  }
  CHECK_LT(late, .35 * early);
}

TEST_CASE("dit: wrong inputs are refused by name") {
  Generator rng(1);
  const DiT model(image_config(), rng), unlabelled(image_config(0), rng);
  const Tensor x = zeros({1, 2, 4, 6}), t = zeros({1}), y = labels_of({3});
  CHECK_NOTHROW(model(x, t, y));  // 3 is the null label
  CHECK_NOTHROW(model(unsqueeze(x, 1), unsqueeze(t, 1), y));
  const auto message = [&](const DiT& network, const Tensor& images, const Tensor& times, const Tensor& conditions) {
    return message_of<Error>([&] { network(images, times, conditions); });
  };
  CHECK(message(model, zeros({1, 2, 6, 4}), t, y) ==
        "[DiT] x must be images of 4x6, of which the model has its position table: shape [B, 2, 4, 6], got "
        "[1, 2, 6, 4]");
  CHECK(message(model, zeros({1, 2, 2, 4, 6}), t, y).find("must be images of 4x6") != std::string::npos);
  CHECK(message(model, zeros({1, 3, 4, 6}), t, y) ==
        "[DiT] x must have shape [B, 2, H, W], or [B, F, 2, H, W] for clips, got [1, 3, 4, 6]");
  CHECK_THROWS_AS(model(x, zeros({2}), y), ShapeError);
  CHECK_THROWS_AS(model(select(x, 0, 0), t, y), ShapeError);
  CHECK(message(model, x, t, {}) == "[DiT] labels must have one class per sample, shape [1], got none");
  CHECK_THROWS_AS(model(x, t, zeros({1})), DTypeError);
  CHECK(message(model, x, t, labels_of({4})) == "[DiT] a label must be in [0, 2] or 3 for no class, got 4");
  CHECK_THROWS_AS(model(x, t, labels_of({-1})), Error);
  CHECK(unlabelled(x, t).shape() == x.shape());
  CHECK_THROWS_WITH_AS(unlabelled(x, t, labels_of({0})), "[DiT] this model has no conditions: call it without",
                       ShapeError);
  for (const auto& [name, tensor] : nn::named_tensors(unlabelled)) CHECK_FALSE(name.starts_with("y_embedder"));
}

TEST_CASE("dit: wrong clips, times of frames and prompts are refused by name") {
  DiTConfig config = clip_config();
  Generator rng(1);
  const DiT model(config, rng);
  config.text = {};
  const DiT silent(config, rng);
  const Tensor x = zeros({2, 3, 2, 4, 4}), t = zeros({2}), prompts = ones({2, 5}, DType::i64);
  CHECK_NOTHROW(model(x, t, prompts));
  const auto message = [&](const Tensor& clips, const Tensor& times, const Tensor& p) {
    return message_of<Error>([&] { model(clips, times, p); });
  };
  CHECK(message(zeros({2, 3, 4, 4, 4}), t, prompts) ==
        "[DiT] x must have shape [B, 2, H, W], or [B, F, 2, H, W] for clips, got [2, 3, 4, 4, 4]");
  CHECK(message(zeros({2, 3, 2, 4, 5}), t, prompts).find("do not divide 3 frames of 4x5") != std::string::npos);
  CHECK(message(x, zeros({2, 2}), prompts) ==
        "[DiT] t must have one time per sample, shape [2], or per frame, [2, 3]; got [2, 2]");
  CHECK(message(x, t, {}) == "[DiT] prompts must have one row of tokens per sample, shape [2, L], got none");
  CHECK(message(x, t, ones({1, 5}, DType::i64)) ==
        "[DiT] prompts must have one row of tokens per sample, shape [2, L], got [1, 5]");
  const std::string in_encoder = " (in the module text_encoder)";
  CHECK(message(x, t, ones({2, 6}, DType::i64)) == "[TextEncoder] a prompt may have 1 to 5 tokens, got 6" + in_encoder);
  CHECK(message(x, t, full({2, 5}, 9, DType::i64)) ==
        "[TextEncoder] a token must be in [0, 9), got 9; was another tokenizer used?" + in_encoder);
  CHECK(message(x, t, ones({2, 5})) == "[TextEncoder] tokens must be i64, got f32" + in_encoder);
  CHECK(message(zeros({2, 0, 2, 4, 4}), t, prompts) == "[DiT] x holds no sample: its shape is [2, 0, 2, 4, 4]");
  CHECK_NOTHROW(silent(x, t));
  CHECK_THROWS_WITH_AS(silent(x, t, prompts), "[DiT] this model has no conditions: call it without", ShapeError);
}
