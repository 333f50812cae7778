// Tensors as text. The expected texts are what PyTorch prints, but for the names of dtypes.
#include <cmath>
#include <limits>
#include <sstream>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/io/print.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/view.h>

namespace ditharos {
namespace {

TEST_CASE("print: scalars, vectors, matrices") {
  CHECK(to_text(Tensor()) == "tensor(undefined)");
  CHECK(to_text(scalar(1.5)) == "tensor(1.5000)");
  CHECK(to_text(scalar(3)) == "tensor(3.)");
  CHECK(to_text(scalar(3, DType::i64)) == "tensor(3)");
  CHECK(to_text(from_vector<float>({1, -2.5, 3})) == "tensor([ 1.0000, -2.5000,  3.0000])");
  CHECK(to_text(views::reshape(arange(6), {2, 3})) == "tensor([[0., 1., 2.],\n        [3., 4., 5.]])");
  CHECK(to_text(views::permute(views::reshape(arange(4, DType::i64), {2, 2}), {1, 0})) ==
        "tensor([[0, 2],\n        [1, 3]])");
  CHECK(to_text(views::reshape(arange(4, DType::i64), {2, 1, 2})) == "tensor([[[0, 1]],\n\n        [[2, 3]]])");
  std::ostringstream out;
  out << from_vector<int64_t>({-7, 10});
  CHECK(out.str() == "tensor([-7, 10])");
  out << ' ' << Shape{2, 3} << ' ' << Shape{} << ' ' << DType::i64;
  CHECK(out.str() == "tensor([-7, 10]) [2, 3] [] i64");
}

TEST_CASE("print: one format for all numbers of a tensor") {
  CHECK(to_text(from_vector<float>({1e-5f, 1})) == "tensor([1.0000e-05, 1.0000e+00])");
  CHECK(to_text(from_vector<float>({1, 20000})) == "tensor([1.0000e+00, 2.0000e+04])");
  CHECK(to_text(from_vector<float>({2e9f, 1e9f})) == "tensor([2.0000e+09, 1.0000e+09])");
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(to_text(from_vector<float>({1.5f, NAN, infinity, -infinity})) == "tensor([1.5000,    nan,    inf,   -inf])");
  CHECK(to_text(zeros({2})) == "tensor([0., 0.])");
  CHECK(to_text(kernels::to(from_vector<float>({0, 1}), DType::boolean)) == "tensor([False,  True])");
}

TEST_CASE("print: dtypes and empty tensors") {
  CHECK(to_text(ones({2}, DType::f64)) == "tensor([1., 1.], dtype=f64)");
  CHECK(to_text(ones({2}, DType::u8)) == "tensor([1, 1], dtype=u8)");
  CHECK(to_text(full({1}, 0.3, DType::bf16)) == "tensor([0.3008], dtype=bf16)");
  CHECK(to_text(full({1}, 0.3, DType::f16)) == "tensor([0.3000], dtype=f16)");
  CHECK(to_text(zeros({0})) == "tensor([])");
  CHECK(to_text(zeros({0, 3}, DType::i64)) == "tensor([], size=[0, 3], dtype=i64)");
}

TEST_CASE("print: long rows wrap, large tensors are summarised") {
  CHECK(to_text(arange(25, DType::i64)) ==
        "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
        "        18, 19, 20, 21, 22, 23, 24])");
  CHECK(to_text(arange(1001, DType::i64)) == "tensor([   0,    1,    2,  ...,  998,  999, 1000])");
  CHECK(to_text(views::reshape(arange(1600, DType::i64), {40, 40})) ==
        "tensor([[   0,    1,    2,  ...,   37,   38,   39],\n"
        "        [  40,   41,   42,  ...,   77,   78,   79],\n"
        "        [  80,   81,   82,  ...,  117,  118,  119],\n"
        "        ...,\n"
        "        [1480, 1481, 1482,  ..., 1517, 1518, 1519],\n"
        "        [1520, 1521, 1522,  ..., 1557, 1558, 1559],\n"
        "        [1560, 1561, 1562,  ..., 1597, 1598, 1599]])");
  CHECK(to_text(zeros({int64_t{1} << 20})) == "tensor([0., 0., 0.,  ..., 0., 0., 0.])");
}

}  // namespace
}  // namespace ditharos
