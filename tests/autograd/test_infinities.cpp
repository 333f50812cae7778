// Infinities and NaN that contribute nothing: their gradients are 0, not 0 times infinity.
#include <cmath>
#include <vector>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/ops.h>
#include <doctest/doctest.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::test_infinities {

namespace {

using Values = std::vector<double>;
constexpr double infinity = __builtin_inf(), not_a_number = __builtin_nan("");

Tensor leaf(const Values& v, const Shape& shape, DType dtype) {
  return to(from_vector(v, shape), dtype).set_requires_grad();
}
Values values(const Tensor& x) { return x.to_vector<double>(); }
Values gradient(const Tensor& y, const Tensor& x) { return values(grad(y, x)); }

template <class F>
void in_both_types(const F& f) {
  for (DType dtype : {DType::f32, DType::f64}) {
    CAPTURE(name_of(dtype));
    f(dtype);
  }
}

}  // namespace

TEST_CASE("regression 21: a norm with p below 1 has the gradient 0 at 0") {
  in_both_types([](DType dtype) {
    for (double p : {.25, .5, .9, 1., 1.5, 2., 3.}) {
      CAPTURE(p);
      const Tensor zero = leaf({0, 0, 0}, {3}, dtype), mixed = leaf({0, -2, 0}, {3}, dtype);
      CHECK(norm(zero, p).item() == 0);
      CHECK(gradient(norm(zero, p), zero) == Values{0, 0, 0});
      const Values slope = gradient(norm(mixed, p), mixed);
      CHECK(slope[0] == 0);
      CHECK(std::abs(slope[1] + 1) < 1e-6);
      CHECK(slope[2] == 0);
      const Tensor g = grad(norm(zero, p), zero, {}, {.create_graph = true});
      CHECK(values(g) == Values{0, 0, 0});
      if (g.requires_grad()) CHECK(gradient(sum(g), zero) == Values{0, 0, 0});
    }
  });
}

TEST_CASE("regression 21: logsumexp of a row of minus infinities has the gradient 0, also behind where") {
  in_both_types([](DType dtype) {
    const Tensor x = leaf({-infinity, -infinity, 1, -infinity}, {2, 2}, dtype), y = logsumexp(x, {-1});
    CHECK(values(y) == Values{-infinity, 1});
    CHECK(gradient(sum(y), x) == Values{0, 0, 1, 0});
    const Tensor z = logsumexp(x, {-1}), low = scalar(-infinity, dtype);
    CHECK(gradient(sum(where(equal(z, low), scalar(0, dtype), z)), x) == Values{0, 0, 1, 0});
    const Tensor all = leaf({-infinity, -infinity}, {2}, dtype);
    CHECK(gradient(logsumexp(all), all) == Values{0, 0});
  });
}

TEST_CASE("regression 21: binary cross entropy of infinite logits that are right is 0") {
  in_both_types([](DType dtype) {
    const Tensor x = leaf({-infinity, infinity}, {2}, dtype), target = to(from_vector<float>({0, 1}), dtype);
    for (const Tensor& weight : {Tensor{}, scalar(3, dtype)}) {
      const Tensor loss = binary_cross_entropy_with_logits(x, target, weight);
      CHECK(loss.item() == 0);
      CHECK(gradient(loss, x) == Values{0, 0});
      CHECK(values(grad(binary_cross_entropy_with_logits(x, target, weight), x, {}, {.create_graph = true})) ==
            Values{0, 0});
    }
    // Wrong ones cost infinitely much and pull with a finite gradient.
    const Tensor wrong = binary_cross_entropy_with_logits(x, 1.0 - target, {}, Reduction::sum);
    CHECK(wrong.item() == infinity);
    CHECK(gradient(wrong, x) == Values{-1, 1});
  });
}

TEST_CASE("regression 21: Huber and smooth L1 losses have a finite gradient for an infinite error") {
  in_both_types([](DType dtype) {
    const Tensor x = leaf({infinity, -infinity, .25}, {3}, dtype), zero = zeros({3}, dtype);
    const auto huber = [&] { return huber_loss(x, zero, .5, Reduction::sum); };
    // As in PyTorch, a bound that is less than any number of the dtype is none.
    CHECK(smooth_l1_loss(scalar(2), scalar(0), 1e-300).item() == 2);
    const auto smooth = [&] { return smooth_l1_loss(x, zero, .5, Reduction::sum); };
    CHECK(huber().item() == infinity);
    CHECK(gradient(huber(), x) == Values{.5, -.5, .25});
    CHECK(gradient(smooth(), x) == Values{1, -1, .5});
    CHECK(gradient(sum(grad(huber(), x, {}, {.create_graph = true})), x) == Values{0, 0, 1});
    CHECK(gradient(sum(grad(smooth(), x, {}, {.create_graph = true})), x) == Values{0, 0, 2});
  });
}

TEST_CASE("regression 21: an infinite gradient of a maximum, and infinity that is dropped, stay where they are") {
  const Tensor x = leaf({3, 5, 1}, {3}, DType::f32);
  CHECK(gradient(amax(x) * infinity, x) == Values{0, infinity, 0});
  const Tensor p = leaf({2, 0}, {2}, DType::f32);
  const Tensor constant = grad(sum(pow(p, 0) * infinity), p);
  CHECK(values(constant) == Values{0, 0});
}

namespace {

/// First and second derivatives of attention whose key 1 no query sees, and whose key and value there are `hidden`.
std::vector<Tensor> attention_derivatives(double hidden, bool learned, DType dtype) {
  const Values q = {1, -1, .5, 2}, k = {.5, 1, hidden, hidden, -1, 2}, v = {2, 1, hidden, hidden, 3, -1};
  std::vector<Tensor> in = {leaf(q, {1, 1, 2, 2}, dtype), leaf(k, {1, 1, 3, 2}, dtype), leaf(v, {1, 1, 3, 2}, dtype)};
  Tensor mask = from_vector<double>({.1, -infinity, .2, .3, -infinity, .4}, {2, 3});
  if (learned) in.push_back(mask = to(mask, dtype).set_requires_grad());
  else mask = greater(mask, scalar(-infinity, DType::f64));
  const auto attended = [&] { return scaled_dot_product_attention(in[0], in[1], in[2], mask); };
  std::vector<Tensor> all = {attended().detach()};
  const Tensor weights = to(from_vector<double>({1, 2, -1, .5}, {1, 1, 2, 2}), dtype);
  for (const Tensor& g : grad({sum(attended() * weights)}, in)) all.push_back(g);
  Tensor total;
  for (const Tensor& g : grad({sum(attended() * weights)}, in, {}, {.create_graph = true})) {
    all.push_back(g.detach());
    total = total.defined() ? total + sum(square(g)) : sum(square(g));
  }
  for (const Tensor& g : grad({total}, in)) all.push_back(g);
  return all;
}

}  // namespace

TEST_CASE("regression 21: a hidden key or value that is not finite contributes nothing to attention") {
  tests::for_each_isa([] {
    in_both_types([](DType dtype) {
      for (bool learned : {false, true}) {
        CAPTURE(learned);
        const auto expected = attention_derivatives(0, learned, dtype);
        for (double hidden : {not_a_number, infinity, -infinity}) {
          const auto got = attention_derivatives(hidden, learned, dtype);
          REQUIRE(got.size() == expected.size());
          for (size_t i = 0; i < got.size(); ++i) {
            CAPTURE(i);
            CHECK(values(got[i]) == values(expected[i]));
          }
        }
      }
    });
  });
}

}  // namespace ditharos::test_infinities
