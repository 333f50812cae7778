#include <algorithm>

#include <ditharos/tensor/kernels/copy.h>
#include <ditharos/tensor/kernels/gemm.h>
#include <ditharos/tensor/kernels/matrix_view.h>
#include <ditharos/tensor/kernels/reduce.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

Shape with_last(Shape s, int64_t last) {
  s[s.rank() - 1] = last;
  return s;
}

void check_linear(const char* op, const char* name, const Tensor& x, const Tensor& weight, int64_t width) {
  check<DTypeError>(x.dtype() == weight.dtype(), "[", op, "] ", name, " is ", x.dtype(), ", weight is ", weight.dtype(),
                    "; convert one of them");
  check<ShapeError>(weight.rank() == 2, "[", op, "] weight must be [out, in], got ", weight.shape());
  check<ShapeError>(x.rank() >= 1 && x.size(-1) == width, "[", op, "] ", name, " ", x.shape(), " does not fit weight ",
                    weight.shape(), ": its last axis must be ", width);
}

/// out [m, n] = op(a) op(b) + bias for rank-2 operands that gemm can read.
template <class T>
void product(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& bias,
             const Tensor& out) {
  MatrixLayout layout_a, layout_b;
  const Tensor left = readable_matrix(a, layout_a), right = readable_matrix(b, layout_b);
  Gemm<T> g;
  g.m = out.size(0), g.n = out.size(1), g.k = transpose_a ? a.size(0) : a.size(1);
  g.a = left.data<T>(), g.lda = layout_a.ld, g.transpose_a = layout_a.transposed != transpose_a;
  g.b = right.data<T>(), g.ldb = layout_b.ld, g.transpose_b = layout_b.transposed != transpose_b;
  g.c = out.mutable_data<T>(), g.ldc = std::max<int64_t>(g.n, 1);
  const Tensor offset = bias.defined() ? contiguous(bias) : bias;
  if (bias.defined()) g.bias = offset.data<T>();
  gemm(g);
}

Tensor multiply(const char* op, const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                const Tensor& bias) {
  const Tensor out({a.size(transpose_a ? 1 : 0), b.size(transpose_b ? 0 : 1)}, a.dtype());
  visit_floating(op, a.dtype(), [&](auto zero) { product<decltype(zero)>(a, transpose_a, b, transpose_b, bias, out); });
  return out;
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check_linear("linear", "x", x, weight, weight.rank() == 2 ? weight.size(1) : 0);
  const int64_t out = weight.size(0);
  if (bias.defined()) {
    check<DTypeError>(bias.dtype() == x.dtype(), "[linear] x is ", x.dtype(), ", bias is ", bias.dtype());
    check<ShapeError>(bias.shape() == Shape{out}, "[linear] bias must be ", Shape{out}, ", got ", bias.shape());
  }
  return views::reshape(multiply("linear", as_rows(x), false, weight, true, bias), with_last(x.shape(), out));
}

Tensor linear_backward_input(const Tensor& grad, const Tensor& weight) {
  check_linear("linear_backward", "gradient", grad, weight, weight.rank() == 2 ? weight.size(0) : 0);
  const Tensor dx = multiply("linear_backward", as_rows(grad), false, weight, false, {});
  return views::reshape(dx, with_last(grad.shape(), weight.size(1)));
}

Tensor linear_backward_weight(const Tensor& grad, const Tensor& x) {
  check<DTypeError>(grad.dtype() == x.dtype(), "[linear_backward] gradient is ", grad.dtype(), ", x is ", x.dtype());
  check<ShapeError>(grad.rank() >= 1 && x.rank() >= 1, "[linear_backward] needs at least one axis, got ", grad.shape(),
                    " and ", x.shape());
  const Tensor dy = as_rows(grad), rows = as_rows(x);
  check<ShapeError>(dy.size(0) == rows.size(0), "[linear_backward] gradient ", grad.shape(), " and x ", x.shape(),
                    " differ in their leading axes");
  return multiply("linear_backward", dy, true, rows, false, {});
}

Tensor linear_backward_bias(const Tensor& grad) {
  check<ShapeError>(grad.rank() >= 1, "[linear_backward] needs at least one axis, got ", grad.shape());
  return sum(as_rows(grad), {0}, false);
}

}  // namespace ditharos::kernels
