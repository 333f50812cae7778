// The statements of docs/numerics.md: NaN, infinities, ties, weights of zero, empty axes, and the cycle of
// create_graph.
#include <cmath>
#include <limits>
#include <string>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <doctest/doctest.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_numerics {

using tests::message_of;

namespace {

using Tensors = std::vector<Tensor>;
using Values = std::vector<double>;
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

struct Expected {
  Tensors inputs;
  Values value;
  std::vector<Values> gradients;  // of the sum of the value, one an input
};

Tensor numbers(const Values& v) { return from_vector<double>(v); }

bool same(const Tensor& got, const Values& want) {
  const Values g = got.to_vector<double>();
  bool equal = g.size() == want.size();
  for (size_t i = 0; equal && i < g.size(); ++i) equal = g[i] == want[i] || (std::isnan(g[i]) && std::isnan(want[i]));
  if (!equal)
    for (size_t i = 0; i < g.size(); ++i)
      MESSAGE("element " << i << " is " << g[i] << ", wanted " << (i < want.size() ? want[i] : nan_value));
  return equal;
}

/// In f32 and f64, by both kinds of rules.
void check_op(const char* name, const std::function<Tensor(const Tensors&)>& op, const Expected& e) {
  for (DType dtype : {DType::f32, DType::f64})
    for (bool create_graph : {false, true}) {
      const std::string where = std::string(name) + " in " + name_of(dtype) + (create_graph ? ", create_graph" : "");
      CAPTURE(where);
      Tensors x;
      for (const Tensor& t : e.inputs) x.push_back(to(t, dtype).detach().set_requires_grad());
      const Tensor y = op(x);
      CHECK(same(y, e.value));
      const Tensors got = grad({sum(y)}, x, {}, {.create_graph = create_graph});
      for (size_t i = 0; i < x.size(); ++i) CHECK(same(got[i], e.gradients[i]));
    }
}

void check_unary(const char* name, Tensor (*op)(const Tensor&), const Values& x, const Values& y, const Values& dx) {
  check_op(name, [op](const Tensors& in) { return op(in[0]); }, {{numbers(x)}, y, {dx}});
}

}  // namespace

TEST_CASE("regression 34: NaN in maximum and minimum gives NaN and the gradient to both sides") {
  const Tensors sides{numbers({nan_value, 1, nan_value, 1, 2}), numbers({1, nan_value, nan_value, 1, 1})};
  check_op("maximum", [](const Tensors& in) { return maximum(in[0], in[1]); },
           {sides, {nan_value, nan_value, nan_value, 1, 2}, {{1, 1, 1, .5, 1}, {1, 1, 1, .5, 0}}});
  check_op("minimum", [](const Tensors& in) { return minimum(in[0], in[1]); },
           {sides, {nan_value, nan_value, nan_value, 1, 1}, {{1, 1, 1, .5, 0}, {1, 1, 1, .5, 1}}});
}

TEST_CASE("regression 34: NaN in relu, sign, abs and their neighbours") {
  check_unary("relu", relu, {nan_value, 0, -1, 1, infinity}, {nan_value, 0, 0, 1, infinity}, {1, 0, 0, 1, 1});
  check_unary("sign", sign, {nan_value, 0, -infinity, 2}, {nan_value, 0, -1, 1}, {0, 0, 0, 0});
  check_unary("abs", abs, {nan_value, 0, -infinity, 2}, {nan_value, 0, infinity, 2}, {nan_value, 0, -1, 1});
  check_unary("floor", floor, {nan_value, infinity}, {nan_value, infinity}, {0, 0});
  check_unary("ceil", ceil, {nan_value, infinity}, {nan_value, infinity}, {0, 0});
  check_unary("round", round, {nan_value, infinity}, {nan_value, infinity}, {0, 0});
  check_op("leaky_relu", [](const Tensors& in) { return leaky_relu(in[0], .25); },
           {{numbers({nan_value, 0, -4})}, {nan_value, 0, -1}, {{.25, .25, .25}}});
  check_op("elu", [](const Tensors& in) { return elu(in[0]); },
           {{numbers({nan_value, 0, 2})}, {nan_value, 0, 2}, {{nan_value, 1, 1}}});
  check_op("clamp", [](const Tensors& in) { return clamp(in[0], -1, 1); },
           {{numbers({nan_value, -1, 1, 0, infinity})}, {nan_value, -1, 1, 0, 1}, {{0, 1, 1, 1, 0}}});
  check_op("where", [](const Tensors& in) { return where(greater(in[0], scalar(0, in[0].dtype())), in[0], in[1]); },
           {{numbers({1, nan_value}), numbers({nan_value, 2})}, {1, 2}, {{1, 0}, {0, 1}}});
  const Tensor x = numbers({nan_value}), one = numbers({1});
  CHECK(equal(x, x).to_vector<double>() == Values{0});
  CHECK(not_equal(x, x).to_vector<double>() == Values{1});
  for (const Tensor& compared : {less(x, one), less_equal(x, one), greater(x, one), greater_equal(x, one)})
    CHECK(compared.to_vector<double>() == Values{0});
}

TEST_CASE("regression 34: NaN wins in largest and smallest elements and gets the gradient") {
  const Tensor rows = from_vector<double>({1, nan_value, nan_value, 3, 3, 1}, {2, 3});
  check_op("max", [](const Tensors& in) { return max(in[0], 1).values; },
           {{rows}, {nan_value, 3}, {{0, 1, 0, 1, 0, 0}}});
  check_op("min", [](const Tensors& in) { return min(in[0], 1).values; },
           {{rows}, {nan_value, 1}, {{0, 1, 0, 0, 0, 1}}});
  CHECK(max(rows, 1).indices.to_vector<double>() == Values{1, 0});
  CHECK(min(rows, 1).indices.to_vector<double>() == Values{1, 2});
  check_op("amax", [](const Tensors& in) { return amax(in[0], {1}); },
           {{rows}, {nan_value, 3}, {{0, .5, .5, .5, .5, 0}}});
  check_op("amin", [](const Tensors& in) { return amin(in[0], {1}); },
           {{rows}, {nan_value, 1}, {{0, .5, .5, 0, 0, 1}}});
  check_op("max_pool2d", [](const Tensors& in) { return max_pool2d(in[0], 2); },
           {{from_vector<double>({1, nan_value, 2, 3}, {1, 1, 2, 2})}, {nan_value}, {{0, 1, 0, 0}}});
}

TEST_CASE("regression 34: gated units have their limits at infinity") {
  const double huge = std::ldexp(1.0, 100);
  for (auto* op : {silu, gelu, gelu_tanh})
    check_unary("a gated unit", op, {infinity, -infinity, huge, -huge, nan_value}, {infinity, 0, huge, 0, nan_value},
                {1, 0, 1, 0, nan_value});
}

TEST_CASE("regression 34: bilinear interpolation does not read a neighbour of weight 0") {
  // To a third of the size: each output stands on a pixel.
  const auto shrink = [](const Tensors& in) { return interpolate(in[0], 1, Interpolation::bilinear); };
  check_op("interpolate", shrink,
           {{from_vector<double>({1, 2, nan_value, 3, 5, infinity, nan_value, nan_value, 4}, {1, 1, 3, 3})},
            {5},
            {{0, 0, 0, 0, 1, 0, 0, 0, 0}}});
  // Twice the size: the first and the last output are the edges themselves.
  const auto grow = [](const Tensors& in) { return interpolate(in[0], {1, 4}, Interpolation::bilinear); };
  check_op("interpolate", grow,
           {{from_vector<double>({1, nan_value}, {1, 1, 1, 2})}, {1, nan_value, nan_value, nan_value}, {{2, 2}}});
}

TEST_CASE("regression 34: attention does not read hidden keys and values") {
  const Tensor q = ones({1, 1, 2, 2}, DType::f64);
  const Tensor k = from_vector<double>({1, 1, nan_value, infinity}, {1, 1, 2, 2});
  const Tensor v = from_vector<double>({3, 4, nan_value, infinity}, {1, 1, 2, 2});
  const Tensor flags = to(from_vector<double>({1, 0, 0, 0}, {2, 2}), DType::boolean);
  const Tensor added = from_vector<double>({0, -infinity, -infinity, -infinity}, {2, 2});
  for (const Tensor& mask : {flags, added})
    for (DType dtype : {DType::f32, DType::f64}) {
      const Tensor m = mask.dtype() == DType::boolean ? mask : to(mask, dtype);
      const auto attend = [&](const Tensors& in) { return scaled_dot_product_attention(in[0], in[1], in[2], m); };
      const Tensors x{to(q, dtype).detach().set_requires_grad(), to(k, dtype).detach().set_requires_grad(),
                      to(v, dtype).detach().set_requires_grad()};
      const Tensor y = attend(x);
      CHECK(same(y, {3, 4, 0, 0}));  // the second query sees no key
      for (bool create_graph : {false, true}) {
        const Tensors g = grad({sum(y)}, x, {}, {.retain_graph = true, .create_graph = create_graph});
        CHECK(same(g[0], {0, 0, 0, 0}));
        CHECK(same(g[1], {0, 0, 0, 0}));
        CHECK(same(g[2], {1, 1, 0, 0}));
      }
    }
}

TEST_CASE("regression 34: a finite mask, however low, is not hidden behind minus infinity") {
  const Tensor q = ones({1, 1, 1, 2}), k = ones({1, 1, 3, 2});
  const Tensor v = from_vector<float>({1, 2, 5, 3, 7, 8}, {1, 1, 3, 2});
  for (float low : {-1e3f, -1e30f, -1e35f, -3e38f})
    for (bool learned : {false, true}) {
      CAPTURE(low);
      CAPTURE(learned);
      const float hidden = -std::numeric_limits<float>::infinity();
      const Tensor mask = from_vector<float>({low, hidden, hidden}, {1, 3});
      if (learned) mask.set_requires_grad();
      CHECK(same(scaled_dot_product_attention(q, k, v, mask), {1, 2}));
      const Tensor both = from_vector<float>({low, low, hidden}, {1, 3});
      if (learned) both.set_requires_grad();
      CHECK(same(scaled_dot_product_attention(q, k, v, both), {3, 2.5}));
    }
  const Tensor all = full({1, 3}, -infinity).set_requires_grad();
  const Tensor y = scaled_dot_product_attention(q, k, v, all);
  CHECK(same(y, {0, 0}));
  CHECK(same(grad(sum(y), all), {0, 0, 0}));
}

TEST_CASE("regression 34: empty axes, and errors in the name of the operation that was called") {
  const Tensor x = zeros({2, 0}).set_requires_grad();
  const Tensor y = logsumexp(x, {1});
  CHECK(same(y, {-infinity, -infinity}));
  CHECK(grad(sum(y), x).shape() == Shape{2, 0});
  CHECK(same(norm(x, 2, {1}), {0, 0}));
  CHECK(same(prod(x, {1}), {1, 1}));
  const auto refused = [](const std::function<Tensor()>& f) { return message_of<Error>(f); };
  CHECK(refused([&] { return max(x, 1).values; }) ==
        "[max] axis 1 of shape [2, 0] is empty: there is no largest element");
  CHECK(refused([&] { return min(x, 1).values; }) ==
        "[min] axis 1 of shape [2, 0] is empty: there is no smallest element");
  CHECK(refused([&] { return norm(x, infinity, {1}); }) ==
        "[norm] shape [2, 0] has no elements along [1], so none is the largest");
  CHECK(refused([&] { return standard_deviation(x, {1}); }).rfind("[standard_deviation] shape [2, 0] gives 0", 0) == 0);
  CHECK(refused([] { return mean(zeros({2, 3}), {1, -1}); }) == "[mean] axes [1, -1] list an axis twice");
  CHECK(refused([] { return stack({zeros({2}), zeros({2})}, 3); }) ==
        "[stack] axis 3 is out of range for a tensor of rank 2");
  CHECK(refused([] { return stack({zeros({2}), zeros({3})}, 0); }) ==
        "[stack] all tensors need one shape, got [2] and [3]");
  CHECK(refused([] { return chunk(zeros({2}), 2, 1)[0]; }) == "[chunk] axis 1 is out of range for a tensor of rank 1");
  CHECK(chunk(zeros({2, 4}), 2, -1)[1].shape() == Shape{2, 2});
  CHECK(refused([] { return nll_loss(zeros({1, 3}), from_vector<int64_t>({7})); }) ==
        "[nll_loss] label 7 of row 0 is not in [0, 3)");
  CHECK(refused([] { return cross_entropy(zeros({1, 3}), from_vector<int64_t>({7}), {.weight = ones({3})}); }) ==
        "[cross_entropy] label 7 of row 0 is not in [0, 3)");
  CHECK(refused([] { return l1_loss(zeros({2}), zeros({2}, DType::f64)); }) ==
        "[l1_loss] the prediction is f32, the target is f64; convert one of them");
  CHECK(refused([] { return outer(zeros({2}), zeros({2}, DType::f64)); }) ==
        "[outer] the first is f32, the second is f64; convert one of them");
  CHECK(refused([] { return batch_norm(zeros({2, 3}), zeros({3}), ones({3}), zeros({2})); }) ==
        "[batch_norm] weight and bias must be [3], got [2]");
}

TEST_CASE("regression 34: a gradient with a graph in a leaf is freed by clearing it, and grad() leaves nothing") {
  const int64_t before = live_nodes();
  {
    const Tensor x = numbers({1, 2}).set_requires_grad();
    backward(sum(square(x) * x), {}, {.create_graph = true});
    CHECK(x.grad().requires_grad());
    CHECK(live_nodes() > before);
    x.set_grad({});
    CHECK(live_nodes() == before);
  }
  {
    const Tensor x = numbers({1, 2}).set_requires_grad();
    CHECK(grad(sum(square(x) * x), x, {}, {.create_graph = true}).requires_grad());
  }
  CHECK(live_nodes() == before);
}

}  // namespace ditharos::test_numerics
