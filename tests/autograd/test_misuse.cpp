// Error messages for misuse of the library, compared exactly. Each row of the op table has one message; these are the
// others.
#include <doctest/doctest.h>

#include <cstdio>
#include <functional>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>
#include <ditharos/tensor/parallel.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_misuse {

using ditharos::tests::message_of;

namespace {

struct Misuse {
  std::string message;
  std::function<void()> call;
};

int cases_so_far = 0;

/// Each call throws an E that says exactly this.
template <class E>
void expect_messages(const std::vector<Misuse>& list) {
  for (const Misuse& m : list) CHECK(message_of<E>(m.call) == m.message);
  cases_so_far += int(list.size());
}

Tensor floats(const Shape& shape) { return zeros(shape); }
Tensor doubles(const Shape& shape) { return zeros(shape, DType::f64); }
Tensor whole(const Shape& shape) { return zeros(shape, DType::i64); }
Tensor parameter(const Shape& shape) { return zeros(shape).set_requires_grad(); }

/// An operation of a user's, and its backward pass.
void run_back(const char* name, const std::vector<Tensor>& inputs, const Save& save, const Rule& rule) {
  record(name, floats({}), inputs, save, rule).backward();
}
Tensor first_input(const Backward& d) { return d.input(0); }
Tensor second_input(const Backward& d) { return d.input(1); }

constexpr const char* undefined = "the tensor is undefined: it was never given a value";

}  // namespace

TEST_CASE("R12: misuse: undefined tensors") {
  const Tensor none, x = floats({2});
  const std::vector<std::function<void()>> calls = {
      [&] { none.shape(); },
      [&] { none.item(); },
      [&] { none.numel(); },
      [&] { none.size(0); },
      [&] { none.to_vector<float>(); },
      [&] { none.data<float>(); },
      [&] { none.mutable_data<float>(); },
      [&] { none.version(); },
      [&] { none.detach(); },
      [&] { none.set_requires_grad(); },
      [&] { none.set_grad(x); },
      [&] { none.reshape({1}); },
      [&] { none.select(0, 0); },
      [&] { none.is_contiguous(); },
      [&] { register_hook(none, [](const Tensor& g) { return g; }); },
      [&] { none + x; },
      [&] { x* none; },
      [&] { none + 1; },
      [&] { 1 - none; },
      [&] { exp(none); },
      [&] { gelu(none); },
      [&] { pow(none, 2); },
      [&] { maximum(x, none); },
      [&] { where(none, x, x); },
      [&] { where(zeros({2}, DType::boolean), x, none); },
      [&] { sum(none); },
      [&] { mean(none); },
      [&] { amax(none); },
      [&] { logsumexp(none); },
      [&] { sum_to(none, {}); },
      [&] { reshape(none, {1}); },
      [&] { permute(none, {0}); },
      [&] { transpose(none, 0, 1); },
      [&] { expand(none, {1}); },
      [&] { slice(none, 0, 0, 1); },
      [&] { cat({x, none}, 0); },
      [&] { cat({none, x}, 0); },
      [&] { stack({none}, 0); },
      [&] { chunk(none, 1, 0); },
      [&] { contiguous(none); },
      [&] { to(none, DType::f32); },
      [&] { index_select(none, whole({1})); },
      [&] { index_select(x, none); },
      [&] { gather(x, 0, none); },
      [&] { scatter_add(none, 0, whole({1}), {2}); },
      [&] { matmul(x, none); },
      [&] { linear(none, floats({2, 2})); },
      [&] { linear(x, none); },
      [&] { unfold(none, 1, 1, 0); },
      [&] { conv2d(none, x, {}); },
      [&] { softmax(none, 0); },
      [&] { cross_entropy(none, whole({1})); },
      [&] { cross_entropy(floats({1, 2}), none); },
      [&] { mse_loss(x, none); },
      [&] { layer_norm(none); },
      [&] { layer_norm_modulate(none, x, x); },
      [&] { gated_residual(x, none, x); },
      [&] { attention(none, 1); },
  };
  for (size_t i = 0; i < calls.size(); ++i) {
    CAPTURE(i);
    CHECK(message_of<Error>(calls[i]) == undefined);
  }
  cases_so_far += int(calls.size());
  CHECK_FALSE(none.requires_grad());
  CHECK_FALSE(none.grad().defined());
}

TEST_CASE("R12: misuse: shapes and axes") {
  expect_messages<ShapeError>({
      {"[mul] cannot broadcast shapes [2, 3] and [2]", [] { floats({2, 3}) * floats({2}); }},
      {"[where] cannot broadcast shapes [3] and [2]",
       [] { where(zeros({3}, DType::boolean), floats({2}), floats({2})); }},
      {"[sum] axis -3 is out of range for a tensor of rank 2", [] { sum(floats({2, 3}), {-3}); }},
      {"[amax] axis 0 is out of range for a tensor of rank 0", [] { amax(floats({}), {0}); }},
      {"[reshape] shape [2, 3] has 6 elements, which do not fit into [5]", [] { floats({2, 3}).reshape({5}); }},
      {"[reshape] shape [0] has 0 elements, which do not fit into [0, -1]", [] { floats({0}).reshape({0, -1}); }},
      {"a size cannot be negative: [-2, 3]", [] { floats({2, 3}).reshape({-2, 3}); }},
      {"shape [4611686018427387904, 4] has more elements than memory can hold",
       [] { floats({2}).reshape({int64_t{1} << 62, 4}); }},
      {"[permute] order [0] does not list every axis of shape [2, 3]", [] { floats({2, 3}).permute({0}); }},
      {"[permute] axis 5 is out of range for a tensor of rank 2", [] { floats({2, 3}).permute({0, 5}); }},
      {"[slice] range 2:1 does not fit axis 0 of shape [4]", [] { floats({4}).slice(0, 2, 1); }},
      {"[slice] range -1:2 does not fit axis 0 of shape [4]", [] { floats({4}).slice(0, -5, 2); }},
      {"[select] index 4 is out of range for axis 0 of shape [4]", [] { floats({4}).select(0, 4); }},
      {"[unsqueeze] axis -4 is out of range for a tensor of rank 3", [] { floats({2, 2}).unsqueeze(-4); }},
      {"a tensor has at most 8 dimensions", [] { floats({1, 1, 1, 1, 1, 1, 1, 1}).unsqueeze(0); }},
      {"[size] axis 2 is out of range for a tensor of rank 2", [] { floats({2, 2}).size(2); }},
      {"[item] needs a tensor of one element, got shape [2]", [] { floats({2}).item(); }},
      {"[from_vector] 3 values do not fill shape [2, 2]", [] { from_vector<float>({1, 2, 3}, {2, 2}); }},
      {"[cat] there is nothing to concatenate", [] { cat({}, 0); }},
      {"[chunk] the number of parts must be at least 1, got 0", [] { chunk(floats({4}), 0, 0); }},
      {"[matmul] cannot broadcast shapes [2] and [3]", [] { matmul(floats({2, 4, 4}), floats({3, 4, 4})); }},
      {"[linear] weight must be [out, in], got [3]", [] { linear(floats({2, 3}), floats({3})); }},
      {"[linear] bias must be [4], got [3]", [] { linear(floats({2, 3}), floats({4, 3}), floats({3})); }},
      {"[gather] index of shape [3, 2] does not fit shape [2, 2] along axis 1",
       [] { gather(floats({2, 2}), 1, whole({3, 2})); }},
      {"[cross_entropy] needs logits [N, C] and labels [N], got [2, 3] and [3]",
       [] { cross_entropy(floats({2, 3}), whole({3})); }},
      {"[gated_residual] needs x [B, T, D] and gate [B, D], got [2, 3, 4] and [2, 3]",
       [] { gated_residual(floats({2, 3, 4}), floats({2, 3}), floats({2, 3, 4})); }},
      {"[attention] needs qkv [B, T, 3 D] with D divisible by 2 heads, got [2, 12]",
       [] { attention(floats({2, 12}), 2); }},
      {"[set_grad] a gradient of shape [3] for a tensor of shape [2]", [] { floats({2}).set_grad(floats({3})); }},
      {"[fold] needs kernel, stride and dilation >= 1 and padding >= 0, got [2, 2], [0, 0], [1, 1] and [0, 0]",
       [] { fold(floats({1, 1, 4}), 1, 2, 2, 2, 0, 0); }},
  });
}

TEST_CASE("R12: misuse: equations, pads and parts") {
  const Tensor x = floats({2, 3});
  expect_messages<ShapeError>({
      {"[einsum] \"ij,jk->ik\" has 2 terms for 1 operands", [&] { einsum("ij,jk->ik", {x}); }},
      {"[einsum] \"ijk->i\": the term \"ijk\" names 3 axes, but operand 0 has shape [2, 3]",
       [&] { einsum("ijk->i", {x}); }},
      {"[einsum] \"ij->ik\": no operand has the name \"k\" of the result", [&] { einsum("ij->ik", {x}); }},
      {"[einsum] \"ij->ii\": the result has the name \"i\" twice", [&] { einsum("ij->ii", {x}); }},
      {"[einsum] \"i1->i\": '1' is no name of an axis; names are single letters", [&] { einsum("i1->i", {x}); }},
      {"[einsum] \"......->\": the term \"......\" has more than one ellipsis", [&] { einsum("......->", {x}); }},
      {"[einsum] \"...i->i\": the operands have an ellipsis, the result has none; write it there or name the axes",
       [&] { einsum("...i->i", {x}); }},
      {"[einsum] \"ii->i\": \"i\" has size 3 in operand 0 of shape [2, 3], but 2 before",
       [&] { einsum("ii->i", {x}); }},
      {"[einsum] \"...,...->...\": axis -1 of the ellipsis has size 4 in operand 1 of shape [4], but 3 before",
       [&] { einsum("...,...->...", {x, floats({4})}); }},
      {"[pad] 6 sizes do not fit shape [2, 3]: two are needed for each axis, from the last one on",
       [&] { pad(x, {1, 1, 1, 1, 1, 1}); }},
      {"[pad] axis 1 of shape [2, 0] is too short to be repeated by 1 and 1",
       [] { pad(floats({2, 0}), {1, 1}, PadMode::replicate); }},
      {"[repeat] a count cannot be negative, got [2, -1]", [&] { repeat(x, {2, -1}); }},
      {"[amax] axes [0, -2] list an axis twice", [&] { amax(x, {0, -2}); }},
      {"[argmin] axis 1 of shape [2, 0] is empty: there is no smallest element", [] { argmin(floats({2, 0}), 1); }},
      {"[variance] shape [1, 3] gives 1 elements for each result; with the correction 1 more are needed",
       [] { variance(floats({1, 3}), {0}, false, 1); }},
      {"[cross_entropy] none of the 2 labels counts, so there is no mean",
       [&] { cross_entropy(x, whole({2}), {.ignore_index = 0}); }},
      {"[huber_loss] the prediction has shape [2, 3], the target [3]; they must be equal",
       [&] { huber_loss(x, floats({3})); }},
      {"[index_select] index 7 is not in [0, 3)", [&] { index_select(x, 1, from_vector<int64_t>({0, 7})); }},
  });
}

TEST_CASE("R12: misuse: dtypes") {
  expect_messages<DTypeError>({
      {"[add] both tensors need one dtype, got f32 and f64", [] { floats({2}) + doubles({2}); }},
      {"[less] both tensors need one dtype, got f32 and i64", [] { less(floats({2}), whole({2})); }},
      {"[where] both branches need one dtype, got f32 and f64",
       [] { where(zeros({2}, DType::boolean), floats({2}), doubles({2})); }},
      {"[div] does not take i64; convert with to(x, DType::f32) or DType::f64", [] { whole({2}) / whole({2}); }},
      {"[mul_scalar] a tensor of i64 takes whole numbers, got 0.500000; convert with to(x, DType::f32)",
       [] { whole({2}) * .5; }},
      {"[exp] does not take bf16; convert with to(x, DType::f32)", [] { exp(zeros({2}, DType::bf16)); }},
      {"[matmul] got f32 and f64; convert one of them", [] { matmul(floats({2, 2}), doubles({2, 2})); }},
      {"[matmul] computes in f32 or f64, got i64; convert with to(x, DType::f32)",
       [] { matmul(whole({2, 2}), whole({2, 2})); }},
      {"[linear] x is f64, weight is f32; convert one of them", [] { linear(doubles({2, 2}), floats({2, 2})); }},
      {"[cat] all tensors need one dtype, got f32 and f64", [] { cat({floats({2}), doubles({2})}, 0); }},
      {"[index_select] indices must be i64, got f32", [] { index_select(floats({2}), floats({1})); }},
      {"[pow] both tensors need one dtype, got f32 and f64", [] { pow(floats({2}), doubles({2})); }},
      {"[einsum] operand 1 is f64, operand 0 is f32; convert one of them",
       [] { einsum("i,i->", {floats({2}), doubles({2})}); }},
      {"[einsum] computes in f32 or f64, got i64; convert with to(x, DType::f32)", [] { einsum("i->", {whole({2})}); }},
      {"[norm] computes in f32 or f64, got i64; convert with to(x, DType::f32)", [] { norm(whole({2})); }},
      {"[mse_loss] computes in f32 or f64, got i64; convert with to(x, DType::f32)",
       [] { mse_loss(whole({2}), whole({2})); }},
      {"[masked_fill] works on booleans, got f32; compare first, as in not_equal(x, zero)",
       [] { masked_fill(floats({2}), floats({2}), 0); }},
      {"[exp] does not take f16; convert with to(x, DType::f32)", [] { exp(zeros({2}, DType::f16)); }},
      {"[cumsum] does not take bf16; convert with to(x, DType::f32)", [] { cumsum(zeros({2}, DType::bf16), 0); }},
      {"[cross_entropy] labels must be i64, got f32", [] { cross_entropy(floats({2, 3}), floats({2})); }},
      {"[data] the tensor holds f32, not f64", [] { floats({2}).data<double>(); }},
      {"[set_requires_grad] only f32 and f64 tensors have gradients, got i64", [] { whole({2}).set_requires_grad(); }},
      {"[set_grad] the gradient must have dtype f32", [] { floats({2}).set_grad(doubles({2})); }},
      {"[gradcheck] input 0 must be f64, got f32: differences of shorter numbers show nothing",
       [] { gradcheck([](const std::vector<Tensor>& x) { return x[0]; }, {floats({2})}); }},
      {"[gradcheck] the function must return an f64 tensor",
       [] { gradcheck([](const std::vector<Tensor>& x) { return to(x[0], DType::f32); }, {doubles({2})}); }},
      {"[test.wrong] the gradient of input 0 has dtype f64, the input f32",
       [] {
         run_back("test.wrong", {parameter({})}, save_nothing,
                  each([](const Backward& d) { return to(d.grad(), DType::f64); }));
       }},
  });
}

TEST_CASE("R12: misuse: graphs") {
  const Tensor x = parameter({2});
  const auto pass = [](const Backward& d) { return d.grad(); };
  expect_messages<AutogradError>({
      {"[backward] an output of shape [2] needs a gradient of its shape to start from; only one element can do without",
       [&] { (x * 2).backward(); }},
      {"[backward] the output of shape [] does not depend on anything that needs a gradient",
       [] { floats({}).backward(); }},
      {"[backward] the output is undefined", [] { backward({}); }},
      {"[grad] there is no output", [&] { grad(std::vector<Tensor>{}, {x}); }},
      {"[grad] input 1 does not require a gradient", [&] { grad({sum(x)}, {x, floats({2})}); }},
      {"[grad] input 0 is undefined and does not require a gradient", [&] { grad(sum(x), {}); }},
      {"[grad] 1 outputs but 2 gradients of outputs", [&] { grad({sum(x)}, {x}, {floats({}), floats({})}); }},
      {"[set_requires_grad] a tensor of shape [2] was computed from others; only leaves can be switched (use detach())",
       [&] { (x * 2).set_requires_grad(false); }},
      {"[register_hook] the tensor of shape [2] needs no gradient",
       [] { register_hook(floats({2}), [](const Tensor& g) { return g; }); }},
      {"[test.unsaved] the rule asks for input 0, which was not saved",
       [&] { run_back("test.unsaved", {x}, save_nothing, each(first_input)); }},
      {"[test.unsaved] the rule asks for the input 0, which the operation did not save",
       [&] { run_back("test.unsaved", {x, x}, save_input(1), each(first_input, second_input)); }},
      {"[test.unsaved] the rule asks for the output, which the operation did not save",
       [&] { run_back("test.unsaved", {x}, save_nothing, each([](const Backward& d) { return d.output(); })); }},
      {"[test.few] the rule returned 1 gradients for 2 inputs",
       [&] { run_back("test.few", {x, x}, save_nothing, each(pass)); }},
      {"[test.shape] the rule asks for the shape of input 1, which needs no gradient",
       [&] {
         run_back("test.shape", {x, floats({})}, save_nothing,
                  each([](const Backward& d) { return expand(d.grad(), d.input_shape(1)); }));
       }},
  });
  expect_messages<ShapeError>({
      {"[backward] the gradient has shape [3], the output [2]", [&] { backward(x * 2, floats({3})); }},
      {"[test.shape] the gradient of input 0 has shape [3], the input [2]",
       [&] { run_back("test.shape", {x}, save_nothing, each([](const Backward&) { return floats({3}); })); }},
  });
  expect_messages<DTypeError>({
      {"[backward] the gradient has dtype f64, the output f32", [&] { backward(x * 2, doubles({2})); }},
      {"[leaf] a hook returned a gradient of dtype f64 for a tensor of dtype f32",
       [] {
         const Tensor leaf = parameter({});
         register_hook(leaf, [](const Tensor& g) { return to(g, DType::f64); });
         (leaf * 2).backward();
       }},
  });
}

TEST_CASE("R12: misuse: settings") {
  expect_messages<ConfigError>({
      {"the number of threads must be from 1 to 1024, got 0", [] { set_num_threads(0); }},
      {"[clamp] the lower bound 2.000000 is above the upper bound 1.000000", [] { clamp(floats({1}), 2, 1); }},
      {"[norm] p must be positive, got -1.000000", [] { norm(floats({1}), -1); }},
      {"[huber_loss] delta must be positive, got 0.000000", [] { huber_loss(floats({1}), floats({1}), 0); }},
      {"[cross_entropy] label_smoothing must be in [0, 1], got 1.500000",
       [] { cross_entropy(floats({1, 2}), whole({1}), {.label_smoothing = 1.5}); }},
      {"[nll_loss] has no label smoothing; use cross_entropy on the logits",
       [] { nll_loss(floats({1, 2}), whole({1}), {.label_smoothing = .1}); }},
  });
}

TEST_CASE("R12: misuse: at least 60 cases have their exact messages") {
  std::printf("misuse: %d cases with their exact messages\n", cases_so_far);
  CHECK((cases_so_far == 0 || cases_so_far >= 60));  // 0: a filter left the others out
}

}  // namespace ditharos::test_misuse
