// The diffusion transformer in its configurations: what holds for all of them, and what the axes mean.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <map>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/models/dit/presets.h>
#include <ditharos/nn/state_dict.h>
#include <ditharos/tensor/io/safetensors.h>
#include "tests/support/golden.h"
#include "tests/support/small_dit.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::clip_config;
using ditharos::tests::difference;
using ditharos::tests::image_config;
using ditharos::tests::message_of;
using ditharos::tests::randomized;
using ditharos::tests::same_bits;

namespace {

/// A configuration and inputs of a batch of three for it.
struct Example {
  std::string name;
  DiTConfig config;
  Tensor x, t, conditions;
};

/// The configurations of published models, and combinations of their axes that nobody published.
void add_published(const auto& add, const Tensor& images, const Tensor& clips, const Tensor& t,
                   const Tensor& of_frames) {
  DiTConfig image = image_config(), clip = image_config();
  image.hidden = clip.hidden = 16;
  image.depth = clip.depth = 2;
  clip.frames = 4;
  add("in-context", image, images, t, [](DiTConfig& c) { c.conditioning = Conditioning::in_context; });
  add("in-context clips, rotary, without a label", clip, clips, t,
      [](DiTConfig& c) { c.conditioning = Conditioning::in_context, c.rotary = Rotary::spacetime, c.classes = 0; });
  add("cross-attention", image, images, t, [](DiTConfig& c) { c.conditioning = Conditioning::cross_attention; });
  add("adaLN of clips, sequential", clip, clips, of_frames, [](DiTConfig& c) {
    c.conditioning = Conditioning::ada_ln, c.attention = AttentionLayout::sequential, c.norm = Norm::rms;
  });
  add("LightningDiT", image, images, t, [](DiTConfig& c) {
    c.rotary = Rotary::spatial, c.norm = Norm::rms, c.mlp = MlpKind::swiglu, c.modulation_shift = false;
  });
  add("late fusion, rotary, times of frames", clip, clips, of_frames,
      [](DiTConfig& c) { c.attention = AttentionLayout::late_fusion, c.rotary = Rotary::spacetime, c.qk_norm = true; });
  add("split heads, rotary, times of frames", clip, clips, of_frames,
      [](DiTConfig& c) { c.attention = AttentionLayout::split_heads, c.rotary = Rotary::spacetime, c.classes = 0; });
  add("text embeddings", clip, clips, t, [](DiTConfig& c) { c.classes = 0, c.text_embedding = 6; });
  add("diffusers", image, images, t, [](DiTConfig& c) { c = as_diffusers(c), c.qkv_bias = false; });
  add("learned positions, of other grids", clip, clips, of_frames,
      [](DiTConfig& c) { c.positions = Positions::learned, c.variable_size = true, c.height = 8, c.frames = 2; });
}

/// Every value of every axis, alone and together with others.
std::vector<Example> examples() {
  Generator rng(8);
  const Tensor images = rng.normal({3, 2, 4, 6}), clips = rng.normal({3, 4, 2, 4, 6});
  const Tensor t = rng.uniform({3}) * 1000, of_frames = rng.uniform({3, 4}) * 1000;
  const Tensor labels = from_vector<int64_t>({1, 3, 0}), embeddings = rng.normal({3, 2, 3});
  const Tensor prompts = from_vector<int64_t>({1, 5, 8, 0, 0, 1, 2, 3, 4, 7, 1, 6, 0, 0, 0}, {3, 5});
  std::vector<Example> all;
  const auto add = [&](const char* name, const DiTConfig& from, const Tensor& x, const Tensor& times,
                       const std::function<void(DiTConfig&)>& change) {
    DiTConfig config = from;
    change(config);
    const Condition kind = config.condition();
    all.push_back({name, config, x, times,
                   kind == Condition::none     ? Tensor{}
                   : kind == Condition::label  ? labels
                   : kind == Condition::prompt ? prompts
                                               : embeddings});
  };
  const DiTConfig image = image_config(), clip = clip_config();
  const auto no_text = [](DiTConfig& c) { c.text = {}; };
  add("images with labels", image, images, t, [](DiTConfig&) {});
  add("images, unconditional, learned variance", image, images, t,
      [](DiTConfig& c) { c.classes = 0, c.learn_sigma = true; });
  add("images with labels, rotary", image, images, t, [](DiTConfig& c) {
    c.positions = Positions::none, c.rotary = Rotary::spacetime, c.hidden = 12, c.qk_norm = true;
  });
  add("images with prompts", clip, images, t, [](DiTConfig&) {});
  add("images with prompts and a position table", clip, images, t, [](DiTConfig& c) {
    c.positions = Positions::sin_cos, c.rotary = Rotary::none, c.height = 4, c.width = 6;
    c.patch_order = PatchOrder::channel_last;
  });
  add("clips with prompts", clip, clips, t, [](DiTConfig&) {});
  add("clips with prompts, times of frames", clip, clips, of_frames, [](DiTConfig&) {});
  add("clips with prompts, factorised", clip, clips, of_frames,
      [](DiTConfig& c) { c.attention = AttentionLayout::factorised, c.qk_norm = true, c.frequency_bands = 2; });
  add("clips with prompts, binary steps", clip, clips, of_frames,
      [](DiTConfig& c) { c.step_embedding = StepEmbedding::binary, c.patch = {2, 1, 2}; });
  add("clips with labels", clip, clips, of_frames,
      [&](DiTConfig& c) { no_text(c), c.classes = 3, c.patch = {2, 2, 2}, c.patch_order = PatchOrder::channel_last; });
  add("clips, unconditional, factorised", clip, clips, t,
      [&](DiTConfig& c) { no_text(c), c.attention = AttentionLayout::factorised, c.learn_sigma = true; });
  add("clips without positions", clip, clips, t, [&](DiTConfig& c) { no_text(c), c.rotary = Rotary::none; });
  add_published(add, images, clips, t, of_frames);
  return all;
}

DiT fresh(const DiTConfig& config) {
  Generator rng(1);
  return DiT(config, rng);
}

/// Passes on every parameter as it is listed, for replacing.
class ForEachParameter : public nn::Visitor {
 public:
  explicit ForEachParameter(std::function<void(Tensor&)> f) : f_(std::move(f)) {}

 private:
  void on_parameter(const std::string&, Tensor& parameter) override { f_(parameter); }
  std::function<void(Tensor&)> f_;
};

/// Checks the gradients with respect to x and all parameters in f64, with random parameters.
GradcheckResult check_gradients(const DiTConfig& config, const Shape& shape, const Tensor& t, const Tensor& conditions,
                                bool recompute = false) {
  Generator rng(5);
  DiT model(config, rng);
  model.set_recompute(recompute);
  std::vector<Tensor> inputs{rng.normal(shape, DType::f64)};
  ForEachParameter collect([&](const Tensor& p) { inputs.push_back(rng.normal(p.shape(), DType::f64) * .2); });
  model.visit(collect);
  const auto f = [&](const std::vector<Tensor>& in) {
    size_t next = 1;
    ForEachParameter put([&](Tensor& p) { p = in[next++]; });
    model.visit(put);
    return model(in[0], to(t, DType::f64), conditions);
  };
  for (const Tensor& x : inputs) x.set_requires_grad();
  return gradcheck(f, inputs, {.order = 1, .step = 2e-4});
}

}  // namespace

TEST_CASE("dit in its configurations: starts as the zero map") {
  for (const Example& e : examples()) {
    CAPTURE(e.name);
    Shape shape = e.x.shape();
    shape[shape.rank() - 3] = e.config.out_channels();
    const Tensor out = fresh(e.config)(e.x, e.t, e.conditions);
    CHECK(out.shape() == shape);
    CHECK_EQ(difference(out, zeros(shape)), 0);
  }
}

TEST_CASE("dit in its configurations: the model lists every parameter, and all of them learn") {
  for (const Example& e : examples()) {
    CAPTURE(e.name);
    DiT model = randomized(fresh(e.config));
    std::map<std::string, Tensor> gradients;
    for (const bool recompute : {false, true}) {
      model.set_recompute(recompute);
      nn::zero_grad(model);
      const Tensor loss = mean(square(model(e.x, e.t, e.conditions) - 1.0));
      nn::audit(loss, model);
      loss.backward();
      for (const auto& [name, tensor] : nn::named_parameters(model)) {
        const auto shown = name;
        CAPTURE(shown);
        REQUIRE(tensor.grad().defined());
        CHECK_GT(amax(abs(tensor.grad())).item(), 0);
        // Rounding: gradients through the prompt's softmax are small differences of larger numbers.
        if (recompute) CHECK_LT(difference(tensor.grad(), gradients.at(name)), 1e-4);
        gradients[name] = tensor.grad();
      }
    }
  }
}

TEST_CASE("dit in its configurations: a sample's prediction does not depend on its batch") {
  const NoGrad no_grad;
  for (const Example& e : examples()) {
    CAPTURE(e.name);
    const DiT model = randomized(fresh(e.config));
    const Tensor all = model(e.x, e.t, e.conditions);
    CHECK(std::isfinite(sum(all).item()));
    for (int64_t i = 0; i < 3; ++i) {
      const auto row = [&](const Tensor& v) { return v.defined() ? slice(v, 0, i, i + 1) : v; };
      CHECK_LT(difference(model(row(e.x), row(e.t), row(e.conditions)), row(all)), 1e-5);
    }
  }
}

TEST_CASE("dit in its configurations: saved and loaded weights give the same bits") {
  const tests::TemporaryFolder folder;
  for (const Example& e : examples()) {
    CAPTURE(e.name);
    DiT model = randomized(fresh(e.config));
    std::map<std::string, Tensor> tensors;
    for (const auto& [name, tensor] : nn::named_tensors(model)) tensors[name] = tensor;
    safetensors::save(folder / "dit.safetensors", tensors);
    nn::NamedTensors state;
    for (const auto& [name, tensor] : safetensors::load(folder / "dit.safetensors").tensors)
      state.push_back({name, tensor});
    DiT loaded = fresh(e.config);
    nn::load_state_dict(loaded, state);
    CHECK(same_bits(model(e.x, e.t, e.conditions), loaded(e.x, e.t, e.conditions)));
  }
}

TEST_CASE("dit in its configurations: gradients of every parameter against differences") {
  Generator rng(2);
  const Tensor prompts = from_vector<int64_t>({1, 5, 8, 0, 0, 1, 2, 0, 0, 0}, {2, 5});
  const Tensor shared = rng.uniform({2}) * 10, of_frames = rng.uniform({2, 2}) * 10;
  const auto passes = [&](const DiTConfig& config, const Shape& shape, const Tensor& t, const Tensor& conditions,
                          bool recompute = false) {
    const GradcheckResult result = check_gradients(config, shape, t, conditions, recompute);
    CAPTURE(result.error);
    CHECK_MESSAGE(result.ok, result.message);
  };
  DiTConfig image = image_config();  // f64 throughout: a position table is f32, and test_dit has PyTorch's gradients
  image.positions = Positions::none;
  image.rotary = Rotary::spacetime;
  image.hidden = 12;
  passes(image, {2, 2, 4, 6}, shared, from_vector<int64_t>({1, 3}));
  const Shape clips{2, 2, 2, 2, 4};
  DiTConfig config = clip_config();
  config.heads = 1;
  passes(config, clips, shared, prompts);
  passes(config, clips, of_frames, prompts);
  passes(config, clips, of_frames, prompts, true);
  config.attention = AttentionLayout::factorised;
  config.qk_norm = true;
  config.frequency_bands = 2;
  passes(config, clips, of_frames, prompts);
  config.step_embedding = StepEmbedding::binary;
  config.patch = {2, 1, 2};
  passes(config, clips, of_frames, prompts);
  config.text = {};
  passes(config, clips, of_frames, {});
  config.classes = 2;
  config.patch_order = PatchOrder::channel_last;
  passes(config, clips, of_frames, from_vector<int64_t>({0, 2}));
}

TEST_CASE("dit: one set of weights takes every shape") {
  Generator rng(8);
  const NoGrad no_grad;
  for (const AttentionLayout attention : {AttentionLayout::joint, AttentionLayout::factorised}) {
    DiTConfig config = clip_config();
    config.attention = attention;
    const DiT model = randomized(fresh(config));
    const Shape shapes[] = {{1, 1, 2, 2, 2}, {2, 3, 2, 4, 6}, {1, 5, 2, 6, 4}, {1, 2, 2, 2, 10}};
    for (const Shape& shape : shapes) {
      const Tensor x = rng.normal(shape), prompts = rng.randint(1, 9, {shape[0], 4});
      const Tensor y = model(x, rng.uniform({shape[0]}) * 1000, prompts);
      CHECK(y.shape() == shape);
      CHECK(std::isfinite(sum(y).item()));
    }
  }
}

TEST_CASE("dit: a time for each frame, where they agree, is one time for the clip") {
  Generator rng(8);
  const NoGrad no_grad;
  DiTConfig config = clip_config();
  for (const int64_t span : {1, 2}) {
    config.patch.frames = span;
    for (const AttentionLayout attention : {AttentionLayout::joint, AttentionLayout::factorised}) {
      config.attention = attention;
      const DiT model = randomized(fresh(config));
      const Tensor x = rng.normal({2, 4, 2, 4, 4}), t = rng.uniform({2}) * 1000, prompts = rng.randint(1, 9, {2, 5});
      const Tensor of_frames = contiguous(expand(unsqueeze(t, 1), {2, 4}));
      const Tensor one = model(x, t, prompts), many = model(x, of_frames, prompts);
      CHECK_LT(difference(many, one), 1e-5);
      of_frames.mutable_data<float>()[1] += 300;  // the second frame of the first clip
      const Tensor other = model(x, of_frames, prompts);
      CHECK_GT(difference(slice(other, 0, 0, 1), slice(one, 0, 0, 1)), 1e-3);
      CHECK_LT(difference(slice(other, 0, 1, 2), slice(one, 0, 1, 2)), 1e-5);
    }
  }
}

TEST_CASE("dit: the prompt matters, its padding does not, and batches do not mix") {
  Generator rng(10);
  const NoGrad no_grad;
  const DiT model = randomized(fresh(clip_config()));
  const Tensor x = rng.normal({3, 2, 2, 4, 4}), t = rng.uniform({3, 2}) * 1000;
  const Tensor prompts = from_vector<int64_t>({1, 5, 8, 0, 0, 1, 2, 3, 4, 7, 0, 0, 0, 0, 0}, {3, 5});
  const Tensor all = model(x, t, prompts);
  for (int64_t i = 0; i < 3; ++i) {
    const auto row = [&](const Tensor& v) { return slice(v, 0, i, i + 1); };
    CHECK_LT(difference(model(row(x), row(t), row(prompts)), row(all)), 1e-5);
  }
  const Tensor same = model(slice(x, 0, 0, 1), slice(t, 0, 0, 1), from_vector<int64_t>({1, 5, 8}, {1, 3}));
  CHECK_LT(difference(same, slice(all, 0, 0, 1)), 1e-5);
  const Tensor other = model(x, t, from_vector<int64_t>({1, 5, 7, 0, 0, 1, 2, 3, 4, 7, 1, 0, 0, 0, 0}, {3, 5}));
  CHECK_GT(difference(slice(other, 0, 0, 1), slice(all, 0, 0, 1)), 1e-3);
  CHECK_EQ(difference(slice(other, 0, 1, 2), slice(all, 0, 1, 2)), 0);
  CHECK_GT(difference(slice(other, 0, 2, 3), slice(all, 0, 2, 3)), 1e-3);
}

TEST_CASE("dit: the same bits at every number of threads") {
  DiTConfig config = clip_config();
  config.channels = 4, config.hidden = 96, config.heads = 4, config.mlp_ratio = 4;
  config.text = {.vocabulary = 50, .length = 12, .width = 64, .depth = 1, .heads = 2};
  const tests::RestoreSettings restore;
  const auto run = [&](int threads) {
    set_num_threads(threads);
    Generator rng(12);
    DiT model = randomized(fresh(config));
    const Tensor out = model(rng.normal({6, 6, 4, 8, 8}), rng.uniform({6, 6}), rng.randint(0, 50, {6, 12}));
    mean(square(out)).backward();
    std::vector<Tensor> results{out.detach()};
    for (const auto& [name, tensor] : nn::named_parameters(model)) results.push_back(tensor.grad());
    return results;
  };
  const std::vector<Tensor> one = run(1);
  for (const int threads : {2, 3, 5}) {
    const std::vector<Tensor> more = run(threads);
    for (size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], more[i]));
  }
}

TEST_CASE("dit: binary steps") {
  const auto digits = [](double step, int64_t bits) {
    return nn::binary_features(full({1}, step), bits).to_vector<double>();
  };
  CHECK(digits(3, 2) == std::vector<double>{1, 1});
  CHECK(digits(6, 4) == std::vector<double>{0, 1, 1, 0});
  CHECK(digits(0, 3) == std::vector<double>{0, 0, 0});
  CHECK(digits(4.4, 3) == std::vector<double>{1, 0, 0});
  CHECK(message_of<Error>([&] { digits(4, 2); }) ==
        "[binary_features] step 4.000000 does not fit into 2 bits, which hold 0 to 3");
  CHECK_THROWS_AS(digits(-1, 2), Error);
  CHECK_THROWS_AS(digits(1, 0), ConfigError);
  DiTConfig config = clip_config();
  config.text = {};
  config.step_embedding = StepEmbedding::binary;
  config.step_bits = 2;
  const DiT model = randomized(fresh(config));
  const Tensor x = zeros({1, 1, 2, 2, 2});
  CHECK_GT(difference(model(x, full({1}, 1)), model(x, full({1}, 2))), 1e-3);
  CHECK_THROWS_AS(model(x, full({1}, 4)), Error);
}
