// nn::Attention in all its forms against attention head by head in public operations, values and gradients.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/attention.h>
#include "tests/support/golden.h"
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using ditharos::tests::difference;
using ditharos::tests::message_of;

namespace {

constexpr int64_t batch = 2, tokens = 5, context_tokens = 3, width = 16, heads = 4, size = width / heads;

using Parameters = std::map<std::string, Tensor>;

/// Elements i and i + size/2 of x [B, T, size] turned by the angle at [t, i].
Tensor turned(const Tensor& x, const nn::RotaryTable& table) {
  const std::vector<Tensor> halves = chunk(x, 2, -1);
  return cat({halves[0] * table.cosines - halves[1] * table.sines, halves[1] * table.cosines + halves[0] * table.sines},
             -1);
}

Tensor head_by_head(const nn::AttentionOptions& o, Parameters p, const Tensor& x, const nn::AttentionInputs& in) {
  const int64_t kv_heads = o.kv_heads == 0 ? heads : o.kv_heads, size = o.head_size == 0 ? width / heads : o.head_size;
  const double scale = o.scale == 0 ? 1 / std::sqrt(double(size)) : o.scale;
  Tensor q, kv;
  if (o.context_width > 0) {
    q = linear(x, p["q.weight"], p["q.bias"]);
    kv = linear(in.context, p["kv.weight"], p["kv.bias"]);
  } else {
    const Tensor qkv = linear(x, p["qkv.weight"], p["qkv.bias"]);
    q = slice(qkv, -1, 0, heads * size), kv = slice(qkv, -1, heads * size, (heads + 2 * kv_heads) * size);
  }
  std::vector<Tensor> read;
  for (int64_t h = 0; h < heads; ++h) {
    const auto part = [&](const Tensor& of, int64_t i) { return slice(of, -1, i * size, (i + 1) * size); };
    const int64_t g = h * kv_heads / heads;
    Tensor query = part(q, h), key = part(kv, g);
    const Tensor value = part(kv, kv_heads + g);
    if (o.qk_norm) query = rms_norm(query, p["q_norm.weight"]), key = rms_norm(key, p["k_norm.weight"]);
    if (in.positions.cosines.defined()) query = turned(query, in.positions), key = turned(key, in.positions);
    Tensor scores = matmul(query, transpose(key, 1, 2)) * scale;  // [B, T, S]
    if (in.mask.defined() && in.mask.dtype() == DType::boolean)
      scores = masked_fill(scores, logical_not(squeeze(in.mask, 1)), -1e9);
    else if (in.mask.defined()) scores = scores + select(in.mask, 1, h);
    if (o.causal) scores = masked_fill(scores, triu(ones({tokens, tokens}, DType::boolean), 1), -1e9);
    read.push_back(matmul(softmax(scores, -1), value));
  }
  return linear(cat(read, -1), p["proj.weight"], p["proj.bias"]);
}

struct ForEachParameter : nn::Visitor {
  explicit ForEachParameter(std::function<void(const std::string&, Tensor&)> f) : f_(std::move(f)) {}
  void on_parameter(const std::string& name, Tensor& parameter) override { f_(name, parameter); }
  std::function<void(const std::string&, Tensor&)> f_;
};

void check_against_heads(const nn::AttentionOptions& options, nn::AttentionInputs given) {
  Generator rng(3);
  nn::Attention module(options, rng);
  std::vector<Tensor> inputs{rng.normal({batch, tokens, width}, DType::f64), given.context};
  std::vector<std::string> names;
  ForEachParameter collect([&](const std::string& name, const Tensor& p) {
    names.push_back(name);
    inputs.push_back(rng.normal(p.shape(), DType::f64) * .4);
  });
  module.visit(collect);
  const size_t first_parameter = 2;
  if (given.mask.defined() && given.mask.dtype() != DType::boolean) inputs.push_back(given.mask);
  for (const Tensor& x : inputs)
    if (x.defined()) x.set_requires_grad();
  const auto put_mask = [&](const std::vector<Tensor>& in) {
    if (in.size() > first_parameter + names.size()) given.mask = in.back();
  };
  const auto attend = [&](const std::vector<Tensor>& in) {
    size_t next = first_parameter;
    ForEachParameter put([&](const std::string&, Tensor& p) { p = in[next++]; });
    module.visit(put);
    given.context = in[1];
    put_mask(in);
    return module(in[0], given);
  };
  const auto expected = [&](const std::vector<Tensor>& in) {
    Parameters parameters;
    for (size_t i = 0; i < names.size(); ++i) parameters[names[i]] = in[i + first_parameter];
    given.context = in[1];
    put_mask(in);
    return head_by_head(options, parameters, in[0], given);
  };
  const Tensor y = attend(inputs), z = expected(inputs), w = rng.normal(y.shape(), DType::f64);
  CHECK_LT(difference(y, z), 1e-12);
  std::vector<Tensor> wanted;
  for (const Tensor& x : inputs)
    if (x.defined()) wanted.push_back(x);
  const auto got = grad({sum(y * w)}, wanted), want = grad({sum(z * w)}, wanted);
  for (size_t i = 0; i < wanted.size(); ++i) CHECK_LT(difference(got[i], want[i]), 1e-11);
  const GradcheckResult checked = gradcheck(attend, inputs, {.order = 2});
  CHECK_MESSAGE(checked.ok, checked.message);
}

}  // namespace

TEST_CASE("nn attention: every form is attention head by head, with its gradients") {
  Generator rng(9);
  const Tensor angles = rng.uniform({tokens, size / 2}, DType::f64) * 3.0;
  const nn::RotaryTable positions{cos(angles), sin(angles)};
  const Tensor context = rng.normal({batch, context_tokens, 6}, DType::f64);
  const auto mask = [](int64_t keys) {  // the last key of the first sequence is padding
    const Tensor seen = ones({batch, 1, 1, keys}, DType::boolean);
    seen.mutable_data<bool>()[keys - 1] = false;
    return seen;
  };
  for (const int64_t kv_heads : {0, 2, 1}) {
    for (const bool qk_norm : {false, true}) {
      CAPTURE(kv_heads);
      CAPTURE(qk_norm);
      const nn::AttentionOptions self{.width = width, .heads = heads, .kv_heads = kv_heads, .qk_norm = qk_norm};
      check_against_heads(self, {});
      check_against_heads(self, {.positions = positions});
      check_against_heads(self, {.mask = mask(tokens)});
      nn::AttentionOptions causal = self, cross = self;
      causal.causal = true;
      causal.bias = false;
      check_against_heads(causal, {.positions = positions});
      cross.context_width = 6;
      check_against_heads(cross, {.context = context, .mask = mask(context_tokens)});
    }
  }
}

TEST_CASE("nn attention: heads of any size, scores of any scale, and a bias of the scores that learns") {
  Generator rng(10);
  const Tensor context = rng.normal({batch, context_tokens, 6}, DType::f64);
  const auto bias = [&](int64_t keys) { return rng.normal({1, heads, tokens, keys}, DType::f64); };
  for (const int64_t head_size : {3, 4}) {
    for (const double scale : {0., 1.}) {
      for (const bool qk_norm : {false, true}) {
        CAPTURE(head_size);
        CAPTURE(scale);
        CAPTURE(qk_norm);
        const nn::AttentionOptions self{
            .width = width, .heads = heads, .head_size = head_size, .qk_norm = qk_norm, .bias = false, .scale = scale};
        check_against_heads(self, {});
        check_against_heads(self, {.mask = bias(tokens)});
        nn::AttentionOptions cross = self;
        cross.context_width = 6;
        check_against_heads(cross, {.context = context, .mask = bias(context_tokens)});
      }
    }
  }
}

TEST_CASE("nn attention: without the last projection, and an attention over the tokens of two modules") {
  Generator rng(11);
  nn::AttentionOptions options{.width = width, .heads = heads, .qk_norm = true, .output = false};
  const nn::Attention bare(options, rng);
  const Tensor x = rng.normal({batch, tokens, width}), y = rng.normal({batch, context_tokens, width});
  Tensor qkv_x, qkv_y;
  const auto keep = [](Tensor& to) {
    return [&to](const Tensor& qkv) {
      to = qkv;
      return slice(qkv, -1, 0, width);
    };
  };
  CHECK(bare.with(x, keep(qkv_x)).shape() == x.shape());
  bare.with(y, keep(qkv_y));
  CHECK_LT(difference(bare(x), attention(qkv_x, heads)), 1e-6);
  CHECK_EQ(nn::named_parameters(bare).size(), 4);  // qkv and the norms
  // Both as one sequence, whose second part is padding, are the first part alone.
  const Tensor both = cat({qkv_x, qkv_y}, 1), mask = ones({batch, 1, 1, tokens + context_tokens}, DType::boolean);
  CHECK_LT(difference(nn::packed_attention(both, heads, {.mask = mask}), attention(both, heads)), 1e-6);
  for (int64_t i = 0; i < mask.numel(); ++i) mask.mutable_data<bool>()[i] = i % (tokens + context_tokens) < tokens;
  CHECK_LT(difference(slice(nn::packed_attention(both, heads, {.mask = mask}), 1, 0, tokens), bare(x)), 1e-6);
  CHECK_EQ(message_of<ConfigError>([&] {
             options.zero_output = true;
             options.validate();
           }),
           "zero_output is of the last projection, which output = false leaves out");
}

TEST_CASE("nn attention: keys of the state dict, and what the output starts as") {
  Generator rng(4);
  const auto names = [](const nn::Attention& module) {
    std::string text;
    for (const auto& [name, tensor] : nn::named_parameters(module)) text += name + to_text(tensor.shape()) + " ";
    return text;
  };
  CHECK_EQ(names(nn::Attention({.width = 8, .heads = 4, .kv_heads = 2, .qk_norm = true}, rng)),
           "qkv.weight[16, 8] qkv.bias[16] q_norm.weight[2] k_norm.weight[2] proj.weight[8, 8] proj.bias[8] ");
  const nn::Attention cross({.width = 8, .heads = 2, .context_width = 3, .bias = false, .zero_output = true}, rng);
  CHECK_EQ(names(cross), "q.weight[8, 8] kv.weight[16, 3] proj.weight[8, 8] ");
  CHECK_EQ(amax(abs(cross(ones({1, 2, 8}), nn::AttentionInputs{.context = ones({1, 4, 3})}))).item(), 0);
}

TEST_CASE("nn attention: what does not fit is refused in a sentence") {
  Generator rng(5);
  const auto refused = [&](const nn::AttentionOptions& options) {
    return message_of<ConfigError>([&] { nn::Attention(options, rng); });
  };
  CHECK_EQ(refused({.width = 6, .heads = 4}), "the width 6 is not divisible by 4 heads");
  CHECK_EQ(refused({.width = 8, .heads = 4, .kv_heads = 3}),
           "4 heads of queries cannot share 3 heads of keys and values: their number must divide that of the queries");
  CHECK_EQ(refused({.width = 8, .head_size = -1}), "the size of a head must be at least 0, got -1");
  CHECK_EQ(refused({.width = 8, .scale = -1}),
           "the scale of the scores must be above 0, or 0 for 1 / sqrt(head size), got -1.000000");
  CHECK_EQ(refused({.width = 8, .context_width = -1}), "the width of the context must be at least 0, got -1");
  CHECK_EQ(refused({.width = 8, .context_width = 8, .causal = true}),
           "causal attention is among one sequence's tokens: it takes no context");
  const nn::Attention self(8, 2, rng), cross({.width = 8, .heads = 2, .context_width = 3}, rng);
  const Tensor x = ones({1, 2, 8});
  CHECK_EQ(message_of<Error>([&] { self(x, nn::AttentionInputs{.context = ones({1, 4, 3})}); }),
           "[Attention] this is self-attention: it takes no context; give AttentionOptions a context_width for one");
  CHECK_EQ(message_of<Error>([&] { cross(x); }),
           "[Attention] this is cross-attention: it needs a context [B, S, context_width]");
  CHECK_EQ(message_of<Error>([&] {
             cross(x, nn::AttentionInputs{.context = ones({1, 4, 3}), .positions = {ones({2, 2}), ones({2, 2})}});
           }),
           "[Attention] rotary positions are those of one sequence: cross-attention takes none");
}
