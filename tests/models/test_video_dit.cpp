// The diffusion transformer for video: shapes, starting values, derivatives, what its outputs depend on.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/models/dit/dit.h>
#include <ditharos/optim/adam.h>
#include <ditharos/tensor/io/safetensors.h>
#include "tests/support/golden.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using namespace ditharos::models;
using ditharos::tests::difference;
using ditharos::tests::message_of;
using ditharos::tests::same_bits;

namespace {

const DiTConfig tiny = {.channels = 2, .patch = {1, 2, 2}, .hidden = 16, .depth = 2, .heads = 2, .mlp_ratio = 2,
                             .text = {.vocabulary = 9, .length = 5, .width = 8, .depth = 1, .heads = 2}};

DiTConfig without_text() {
  DiTConfig config = tiny;
  config.text = {};
  return config;
}

/// Gives every parameter a random value: a fresh model's output is zero.
void wake(nn::ModuleBase& model) {
  Generator rng(3);
  for (const auto& [name, tensor] : nn::named_parameters(model)) {
    const std::vector<float> values = (rng.normal(tensor.shape()) * .3).to_vector<float>();
    std::copy(values.begin(), values.end(), tensor.mutable_data<float>());
  }
}
template <class M>
M awake(M model) {
  wake(model);
  return model;
}

DiT awake_model(const DiTConfig& config = tiny) {
  Generator rng(1);
  return awake(DiT(config, rng));
}

Tensor prompts_of(std::vector<int64_t> tokens, int64_t length) {
  const auto batch = int64_t(tokens.size()) / length;
  return from_vector(tokens, {batch, length});
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
GradcheckResult check_gradients(const DiTConfig& config, const Shape& clips, const Tensor& t,
                                const Tensor& prompts, bool recompute = false) {
  Generator rng(5);
  DiT model(config, rng);
  model.set_recompute(recompute);
  std::vector<Tensor> inputs{rng.normal(clips, DType::f64)};
  ForEachParameter collect([&](const Tensor& p) { inputs.push_back(rng.normal(p.shape(), DType::f64) * .2); });
  model.visit(collect);
  const auto f = [&](const std::vector<Tensor>& in) {
    size_t next = 1;
    ForEachParameter put([&](Tensor& p) { p = in[next++]; });
    model.visit(put);
    return model(in[0], to(t, DType::f64), prompts);
  };
  for (const Tensor& x : inputs) x.set_requires_grad();
  return gradcheck(f, inputs, {.order = 1, .step = 2e-4});
}

}  // namespace

TEST_CASE("video dit: as many parameters as counted") {
  DiTConfig binary = tiny, large = tiny;
  binary.step_embedding = StepEmbedding::binary;
  binary.patch = {2, 1, 4};
  large.hidden = 48;
  large.mlp_ratio = 2.7;
  large.qk_norm = true;
  large.frequency_bands = 3;
  for (const DiTConfig& config : {tiny, without_text(), binary, large}) {
    Generator rng(1);
    DiT model(config, rng);
    CHECK_EQ(nn::parameter_count(model), count_parameters(config));
  }
}

TEST_CASE("video dit: starts as the zero map, and its blocks as the identity") {
  for (const AttentionLayout attention : {AttentionLayout::joint, AttentionLayout::factorised}) {
    DiTConfig config = tiny;
    config.attention = attention;
    Generator rng(5);
    const DiT model(config, rng);
    const Tensor out = model(rng.normal({2, 4, 2, 4, 6}), rng.uniform({2, 4}), rng.randint(0, 9, {2, 5}));
    CHECK(out.shape() == Shape{2, 4, 2, 4, 6});
    CHECK_EQ(difference(out, zeros(out.shape())), 0);
  }
  Generator rng(6);
  const VideoBlock block(tiny, AttentionSpan::clip, rng);
  const ClipContext clip{.batch = 2, .grid = {3, 1, 2}, .clip = rotary_table({3, 1, 2}, 8, 100),
                         .text = rng.normal({2, 5, 8}), .text_mask = ones({2, 1, 1, 5}, DType::boolean)};
  const Tensor x = rng.normal({2, 6, 16});
  CHECK_EQ(difference(block(x, rng.normal({2, 16}), clip), x), 0);
}

TEST_CASE("video dit: gradients of every parameter against differences") {
  Generator rng(2);
  const Tensor prompts = prompts_of({1, 5, 8, 0, 0, 1, 2, 0, 0, 0}, 5), none;
  const Tensor shared = rng.uniform({2}) * 10, of_frames = rng.uniform({2, 2}) * 10;
  const auto passes = [&](const DiTConfig& config, const Tensor& t, const Tensor& p, bool recompute = false) {
    const GradcheckResult result = check_gradients(config, {2, 2, 2, 2, 4}, t, p, recompute);
    CAPTURE(result.error);
    CHECK_MESSAGE(result.ok, result.message);
  };
  DiTConfig config = tiny;
  config.heads = 1;
  passes(config, shared, prompts);
  passes(config, of_frames, prompts);
  passes(config, of_frames, prompts, true);
  config.attention = AttentionLayout::factorised;
  config.qk_norm = true;
  config.frequency_bands = 2;
  passes(config, of_frames, prompts);
  config.step_embedding = StepEmbedding::binary;
  config.patch = {2, 1, 2};
  passes(config, of_frames, prompts);
  passes(without_text(), of_frames, none);
}

TEST_CASE("video dit: the model lists every parameter, and all of them learn") {
  for (const bool recompute : {false, true}) {
    Generator rng(2);
    DiT model = awake_model();
    model.set_recompute(recompute);
    const Tensor prompts = prompts_of({1, 5, 8, 2, 0, 1, 2, 3, 4, 7}, 5);
    const Tensor out = model(rng.normal({2, 3, 2, 4, 4}), rng.uniform({2, 3}) * 1000, prompts);
    const Tensor loss = mean(square(out - 1.0));
    nn::audit(loss, model);
    loss.backward();
    for (const auto& [name, tensor] : nn::named_parameters(model)) {
      CAPTURE(name);
      REQUIRE(tensor.grad().defined());
      CHECK_GT(amax(abs(tensor.grad())).item(), 0);
    }
  }
}

TEST_CASE("video dit: without positions, moving tokens moves the result and changes nothing else") {
  Generator rng(4);
  const VideoBlock block = awake(VideoBlock(tiny, AttentionSpan::clip, rng));
  const PatchGrid grid{2, 2, 2};
  const Tensor x = rng.normal({1, 8, 16}), condition = rng.normal({1, 16}), order = rng.permutation(8);
  ClipContext clip{.batch = 1, .grid = grid, .text = rng.normal({1, 5, 8}),
                   .text_mask = ones({1, 1, 1, 5}, DType::boolean)};
  const auto moved_difference = [&] {
    const Tensor moved = block(index_select(x, 1, order), condition, clip);
    return difference(moved, index_select(block(x, condition, clip), 1, order));
  };
  CHECK_LT(moved_difference(), 1e-5);
  clip.clip = rotary_table(grid, 8, 100);
  CHECK_GT(moved_difference(), 1e-3);
}

TEST_CASE("video dit: attention sees differences of positions alone") {
  // A clip that is the second half of a longer table's tokens gets the same attention.
  Generator rng(4);
  const PatchGrid grid{2, 3, 2};
  const RotaryTable whole = rotary_table({4, 3, 2}, 8, 100), part = rotary_table(grid, 8, 100);
  const Tensor qkv = rng.normal({1, 12, 48});
  const Tensor late = rope(qkv, slice(whole.cosines, 0, 12, 24), slice(whole.sines, 0, 12, 24), 2);
  CHECK_LT(difference(attention(late, 2), attention(rope(qkv, part.cosines, part.sines, 2), 2)), 1e-5);
}

TEST_CASE("rotary: pairs are shared out among frame, row and column") {
  CHECK(rotary_pairs(32) == RotaryPairs{4, 6, 6});
  CHECK(rotary_pairs(64) == RotaryPairs{8, 12, 12});
  CHECK(rotary_pairs(6) == RotaryPairs{1, 1, 1});
  CHECK(rotary_pairs(8) == RotaryPairs{2, 1, 1});
  CHECK_THROWS_AS(rotary_pairs(4), ConfigError);
  CHECK_THROWS_AS(rotary_pairs(9), ConfigError);
  const RotaryTable table = rotary_table({2, 3, 4}, 8, 100, DType::f64);
  CHECK(table.cosines.shape() == Shape{24, 4});
  // Token (1, 2, 3): frequencies 1 and 100^-1/2 of the frame, 1 of the row, 1 of the column.
  const std::vector<double> angles{1, .1, 2, 3};
  for (int64_t i = 0; i < 4; ++i) {
    CHECK_EQ(table.cosines.select(0, 23).select(0, i).item(), doctest::Approx(std::cos(angles[size_t(i)])));
    CHECK_EQ(table.sines.select(0, 23).select(0, i).item(), doctest::Approx(std::sin(angles[size_t(i)])));
  }
  CHECK_THROWS_AS(rotary_table({1, 1, 1}, 8, 1), ConfigError);
}

TEST_CASE("video dit: one set of weights takes every shape") {
  Generator rng(8);
  const NoGrad no_grad;
  for (const AttentionLayout attention : {AttentionLayout::joint, AttentionLayout::factorised}) {
    DiTConfig config = tiny;
    config.attention = attention;
    const DiT model = awake_model(config);
    const Shape shapes[] = {{1, 1, 2, 2, 2}, {2, 3, 2, 4, 6}, {1, 5, 2, 6, 4}, {1, 2, 2, 2, 10}};
    for (const Shape& shape : shapes) {
      const Tensor x = rng.normal(shape), prompts = rng.randint(1, 9, {shape[0], 4});
      const Tensor y = model(x, rng.uniform({shape[0]}) * 1000, prompts);
      CHECK(y.shape() == shape);
      CHECK(std::isfinite(sum(y).item()));
    }
  }
}

TEST_CASE("video dit: a time for each frame, where they agree, is one time for the clip") {
  Generator rng(8);
  const NoGrad no_grad;
  DiTConfig config = tiny;
  for (const int64_t span : {1, 2}) {
    config.patch.frames = span;
    for (const AttentionLayout attention : {AttentionLayout::joint, AttentionLayout::factorised}) {
      config.attention = attention;
      const DiT model = awake_model(config);
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

TEST_CASE("video dit: factorised attention carries frame by frame, then place by place") {
  Generator rng(9);
  const NoGrad no_grad;
  const PatchGrid grid{3, 2, 2};
  const ClipContext clip{.batch = 1, .grid = grid, .frame = rotary_table({1, 2, 2}, 8, 100),
                         .place = rotary_table({3, 1, 1}, 8, 100)};
  const Tensor x = rng.normal({1, 12, 16});
  // Which tokens change when token 5 (frame 1, place 1) does?
  const auto reached = [&](AttentionSpan span) {
    const nn::Attention attention = awake(nn::Attention(tiny.hidden, tiny.heads, rng));
    const auto attend = [&](const Tensor& tokens) {
      const nn::AttentionInputs positions{.positions = clip.positions(span)};
      return from_spans(attention(to_spans(tokens, span, clip), positions), span, clip, tokens.shape());
    };
    const Tensor other = contiguous(x + 0.0);
    for (int64_t i = 0; i < 16; ++i) other.mutable_data<float>()[5 * 16 + i] += 1;
    const Tensor change = amax(abs(attend(other) - attend(x)), {2});
    std::vector<int64_t> tokens;
    for (int64_t i = 0; i < 12; ++i)
      if (change.select(1, i).item() > 1e-6) tokens.push_back(i);
    return tokens;
  };
  CHECK(reached(AttentionSpan::frame) == std::vector<int64_t>{4, 5, 6, 7});
  CHECK(reached(AttentionSpan::place) == std::vector<int64_t>{1, 5, 9});
  DiTConfig config = tiny;
  config.attention = AttentionLayout::factorised;
  const DiT joint = awake_model(), factorised = awake_model(config);
  const Tensor clips = rng.normal({1, 3, 2, 4, 4}), t = rng.uniform({1}), prompts = rng.randint(1, 9, {1, 5});
  CHECK(factorised(clips, t, prompts).shape() == clips.shape());
  CHECK_GT(difference(factorised(clips, t, prompts), joint(clips, t, prompts)), 1e-3);
}

TEST_CASE("video dit: the prompt matters, its padding does not, and batches do not mix") {
  Generator rng(10);
  const NoGrad no_grad;
  const DiT model = awake_model();
  const Tensor x = rng.normal({3, 2, 2, 4, 4}), t = rng.uniform({3, 2}) * 1000;
  const Tensor prompts = prompts_of({1, 5, 8, 0, 0, 1, 2, 3, 4, 7, 0, 0, 0, 0, 0}, 5);
  const Tensor all = model(x, t, prompts);
  for (int64_t i = 0; i < 3; ++i) {
    const auto row = [&](const Tensor& v) { return slice(v, 0, i, i + 1); };
    CHECK_LT(difference(model(row(x), row(t), row(prompts)), row(all)), 1e-5);
  }
  const Tensor same = model(slice(x, 0, 0, 1), slice(t, 0, 0, 1), prompts_of({1, 5, 8}, 3));
  CHECK_LT(difference(same, slice(all, 0, 0, 1)), 1e-5);
  const Tensor other = model(x, t, prompts_of({1, 5, 7, 0, 0, 1, 2, 3, 4, 7, 1, 0, 0, 0, 0}, 5));
  CHECK_GT(difference(slice(other, 0, 0, 1), slice(all, 0, 0, 1)), 1e-3);
  CHECK_EQ(difference(slice(other, 0, 1, 2), slice(all, 0, 1, 2)), 0);
  CHECK_GT(difference(slice(other, 0, 2, 3), slice(all, 0, 2, 3)), 1e-3);
}

TEST_CASE("video dit: saved and loaded weights give the same bits") {
  const tests::TemporaryFolder folder;
  DiT model = awake_model();
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, tensor] : nn::named_tensors(model)) tensors[name] = tensor;
  safetensors::save(folder / "video.safetensors", tensors);
  Generator rng(77);
  DiT loaded(tiny, rng);
  nn::NamedTensors state;
  for (const auto& [name, tensor] : safetensors::load(folder / "video.safetensors").tensors)
    state.push_back({name, tensor});
  nn::load_state_dict(loaded, state);
  const Tensor x = rng.normal({1, 2, 2, 4, 4}), t = rng.uniform({1}), prompts = rng.randint(0, 9, {1, 5});
  CHECK(same_bits(model(x, t, prompts), loaded(x, t, prompts)));
}

TEST_CASE("video dit: the same bits at every number of threads") {
  const DiTConfig config = {.channels = 4, .hidden = 96, .depth = 2, .heads = 4,
                                 .text = {.vocabulary = 50, .length = 12, .width = 64, .depth = 1, .heads = 2}};
  const tests::RestoreSettings restore;
  const auto run = [&](int threads) {
    set_num_threads(threads);
    Generator rng(12);
    DiT model = awake_model(config);
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

TEST_CASE("video dit: binary steps") {
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
  DiTConfig config = without_text();
  config.step_embedding = StepEmbedding::binary;
  config.step_bits = 2;
  const DiT model = awake_model(config);
  const Tensor x = zeros({1, 1, 2, 2, 2});
  CHECK_GT(difference(model(x, full({1}, 1)), model(x, full({1}, 2))), 1e-3);
  CHECK_THROWS_AS(model(x, full({1}, 4)), Error);
}

TEST_CASE("video dit: wrong inputs are refused by name") {
  Generator rng(1);
  const DiT model(tiny, rng), silent(without_text(), rng);
  const Tensor x = zeros({2, 3, 2, 4, 4}), t = zeros({2}), prompts = ones({2, 5}, DType::i64);
  CHECK_NOTHROW(model(x, t, prompts));
  const auto message = [&](const Tensor& clips, const Tensor& times, const Tensor& p) {
    return message_of<Error>([&] { model(clips, times, p); });
  };
  CHECK(message(zeros({2, 3, 4, 4, 4}), t, prompts) ==
        "[DiT] x must have shape [B, F, 2, H, W], got [2, 3, 4, 4, 4]");
  CHECK(message(zeros({2, 3, 2, 4, 5}), t, prompts).find("do not divide 3 frames of 4x5") != std::string::npos);
  CHECK(message(x, zeros({2, 2}), prompts) ==
        "[DiT] t must have one time a clip, shape [2], or one a frame, [2, 3]; got [2, 2]");
  CHECK(message(x, t, {}) == "[DiT] prompts must have one row of tokens a clip, shape [2, L], got none");
  CHECK(message(x, t, ones({1, 5}, DType::i64)) ==
        "[DiT] prompts must have one row of tokens a clip, shape [2, L], got [1, 5]");
  CHECK(message(x, t, ones({2, 6}, DType::i64)) == "[TextEncoder] a prompt may have 1 to 5 tokens, got 6");
  CHECK(message(x, t, full({2, 5}, 9, DType::i64)) ==
        "[TextEncoder] a token must be in [0, 9), got 9; was another tokenizer used?");
  CHECK(message(x, t, ones({2, 5})) == "[TextEncoder] tokens must be i64, got f32");
  CHECK(message(zeros({2, 0, 2, 4, 4}), t, prompts) == "[DiT] x holds no clip: its shape is [2, 0, 2, 4, 4]");
  CHECK_NOTHROW(silent(x, t));
  CHECK_THROWS_WITH_AS(silent(x, t, prompts),
                       "[DiT] this model has no text encoder: call it without prompts", ShapeError);
}

TEST_CASE("video dit: configurations that do not fit are refused in a sentence") {
  const auto message = [](auto change) {
    DiTConfig config = tiny;
    change(config);
    return message_of<ConfigError>([&] { config.validate(); });
  };
  CHECK(message([](DiTConfig&) {}) == "");
  CHECK(message([](DiTConfig& c) { c.heads = 3; }) == "the width hidden = 16 is not divisible by heads = 3");
  CHECK(message([](DiTConfig& c) { c.heads = 4; }) ==
        "hidden / heads, the size of a head, must be even and at least 6 (a rotation for each of frame, row and "
        "column), got 4");
  CHECK(message([](DiTConfig& c) { c.patch.frames = 0; }) ==
        "a patch's number of frames must be between 1 and 65536, got 0");
  CHECK(message([](DiTConfig& c) { c.mlp_ratio = 0; }) ==
        "mlp_ratio = 0.000000 gives no usable MLP width; 4 is usual");
  CHECK(message([](DiTConfig& c) { c.step_bits = 31; }) == "step_bits must be between 1 and 30, got 31");
  CHECK(message([](DiTConfig& c) { c.rope_base = 1; }) == "rope_base must be above 1, got 1.000000");
  CHECK(message([](DiTConfig& c) { c.text.heads = 3; }) ==
        "the text encoder's width 8 is not divisible by its 3 heads");
  CHECK(message([](DiTConfig& c) { c.text.length = 0; }) ==
        "the text encoder's length must be between 1 and 65536, got 0");
}
