// Indexing operators and writing of Tensor, and index() beyond the rows of the op table.
#include <doctest/doctest.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include "tests/support/tensor_cases.h"

using namespace ditharos;
using tests::message_of;

namespace {
Tensor counted(const Shape& shape) { return reshape(arange(numel(shape)), shape); }
std::vector<float> values(const Tensor& x) { return x.to_vector<float>(); }
}  // namespace

TEST_CASE("indexing: x[i], x[indices], x[mask]") {
  const Tensor x = counted({3, 2});
  CHECK(values(x[1]) == std::vector<float>{2, 3});
  CHECK(values(x[-1]) == std::vector<float>{4, 5});
  CHECK(x[1][0].item() == 2);
  CHECK(values(x[from_vector<int64_t>({2, 0})]) == std::vector<float>{4, 5, 0, 1});
  CHECK(values(x[x > 2.5]) == std::vector<float>{3, 4, 5});
  CHECK(x[1].storage() == x.storage());  // a view
  CHECK(message_of<ShapeError>([&] { x[3]; }) ==
        "[index] index 3 is out of range for an axis of size 3 of shape [3, 2]");
  CHECK(message_of<ShapeError>([] { scalar(1)[0]; }) == "[index] 1 indices for a tensor of shape []");

  const Tensor p = counted({3, 2}).set_requires_grad();
  sum(p[p > 2.5] * 3).backward();
  CHECK(values(p.grad()) == std::vector<float>{0, 0, 0, 3, 3, 3});
}

TEST_CASE("indexing: slices have Python's bounds") {
  const Tensor x = arange(5);
  const auto sliced = [&](Slice s) { return values(index(x, {s})); };
  CHECK(sliced({}) == std::vector<float>{0, 1, 2, 3, 4});
  CHECK(sliced({-2}) == std::vector<float>{3, 4});
  CHECK(sliced({1, 100}) == std::vector<float>{1, 2, 3, 4});
  CHECK(sliced({-100, -3}) == std::vector<float>{0, 1});
  CHECK(sliced({3, 1}).empty());
  CHECK(sliced({{}, {}, 2}) == std::vector<float>{0, 2, 4});
  CHECK(message_of<ConfigError>([&] { sliced({{}, {}, -1}); }) ==
        "[index] the step of a slice must be at least 1, got -1; flip() reverses an axis");
  CHECK(message_of<ShapeError>([&] { index(x, {ellipsis, ellipsis}); }) == "[index] an index has at most one ellipsis");
  CHECK(message_of<DTypeError>([&] { x[ones({2})]; }) == "[index] indices must be i64 or bool, got f32");
}

TEST_CASE("indexing: the last of several writes to one element stays, with the gradient") {
  const Tensor x = zeros({3}).set_requires_grad(), v = counted({4}).set_requires_grad();
  const Tensor y = index_put(x, {from_vector<int64_t>({1, 0, 1, 1})}, v);
  CHECK(values(y) == std::vector<float>{1, 3, 0});
  sum(y).backward();
  CHECK(values(x.grad()) == std::vector<float>{0, 0, 1});
  CHECK(values(v.grad()) == std::vector<float>{0, 1, 0, 1});
  CHECK(values(index_put(x, {x < 1}, 7)) == std::vector<float>{7, 7, 7});
}

TEST_CASE("writing: copy_, fill_ and zero_ change elements and the version") {
  const Tensor x = zeros({2, 3});
  const uint64_t before = x.version();
  x.copy_(from_vector<int64_t>({1, 2, 3}));  // converted and broadcast
  CHECK(values(x) == std::vector<float>{1, 2, 3, 1, 2, 3});
  CHECK(x.version() > before);
  x[1].fill_(7);  // through a view
  CHECK(values(x) == std::vector<float>{1, 2, 3, 7, 7, 7});
  x.slice(1, 0, 2).copy_(x.slice(1, 1, 3));  // overlapping
  CHECK(values(x) == std::vector<float>{2, 3, 3, 7, 7, 7});
  x.zero_();
  CHECK(values(x) == std::vector<float>(6, 0));

  const Tensor copy = x.clone();
  copy.fill_(1);
  CHECK(sum(x).item() == 0);
  CHECK(message_of<ShapeError>([&] { x.copy_(zeros({2})); }) ==
        "[copy_] a source of shape [2] does not stretch to shape [2, 3]");
  CHECK(message_of<ShapeError>([&] { ones({3}).expand({2, 3}).fill_(0); }) ==
        "[fill_] a tensor of shape [2, 3] that was expanded along axis 0 cannot be written to; use clone() first");
}

TEST_CASE("writing: a write that the graph would miss is refused") {
  const Tensor p = ones({2}).set_requires_grad(), x = ones({2});
  const std::string ending =
      "writing is not recorded, but a tensor of shape [2] or its source needs a gradient; write "
      "under NoGrad, or use where() or index_put()";
  CHECK(message_of<AutogradError>([&] { p.fill_(0); }) == "[fill_] " + ending);
  CHECK(message_of<AutogradError>([&] { x.copy_(p); }) == "[copy_] " + ending);
  CHECK(values(p) == std::vector<float>{1, 1});
  const NoGrad guard;
  p.copy_(x * 3);
  CHECK(values(p) == std::vector<float>{3, 3});
}

TEST_CASE("allclose compares all elements") {
  const Tensor a = from_vector<float>({1, 2}), b = from_vector<float>({1, 2.00001f}), nan = full({2}, NAN);
  CHECK(allclose(a, b));
  CHECK_FALSE(allclose(a, b, 0, 1e-9));
  CHECK_FALSE(allclose(nan, nan));
  CHECK(allclose(nan, nan, 1e-5, 1e-8, true));
  CHECK(allclose(from_vector<int64_t>({3}), from_vector<int64_t>({3})));
  CHECK(message_of<DTypeError>([&] { allclose(a, to(b, DType::f64)); }) ==
        "[allclose] all tensors need one dtype, got f32 and f64");
}

TEST_CASE("factories: arange with a start and a step, full_like") {
  CHECK(arange(2, 5).to_vector<double>() == std::vector<double>{2, 3, 4});
  CHECK(arange(1, 0, -.25, DType::f64).to_vector<double>() == std::vector<double>{1, .75, .5, .25});
  CHECK(arange(1, 0).numel() == 0);
  CHECK(full_like(zeros({2}, DType::i64), 3).to_vector<int>() == std::vector<int>{3, 3});
  CHECK(message_of<ConfigError>([] { arange(0, 1, 0); }) ==
        "[arange] there is no sequence from 0.000000 to 1.000000 in steps of 0.000000");
}
