// Matrix products.
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/gemm.h>

namespace ditharos {
namespace {
Tensor transposed(const Tensor& x) { return transpose(x, -2, -1); }

/// [..., n] as [rows, n]. The rows are counted, because n may be 0.
Tensor rows(const Tensor& x) {
  const Shape leading(x.shape().begin(), x.shape().end() - 1);
  return reshape(x, {numel(leading), x.size(-1)});
}
}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  check<ShapeError>(a.rank() >= 1 && b.rank() >= 1, "[matmul] needs at least one axis each, got shapes ", a.shape(),
                    " and ", b.shape());
  // A vector is a matrix of one row (left) or one column (right); the axis is dropped from the result.
  if (a.rank() == 1) return squeeze(matmul(unsqueeze(a, 0), b), b.rank() == 1 ? 0 : -2);
  if (b.rank() == 1) return squeeze(matmul(a, unsqueeze(b, 1)), -1);
  // C = A B: dA = dC B^T, dB = A^T dC
  return record("matmul", kernels::matmul(a, b), {a, b}, save_inputs,
                each([](const Backward& d) { return matmul(d.grad(), transposed(d.input(1))); },
                     [](const Backward& d) { return matmul(transposed(d.input(0)), d.grad()); }));
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  // y = x W^T + b: dx = dy W, dW = dy^T x, db = sum of dy over all rows
  Save save = (needs_grad(x) ? save_input(1) : 0u) | (needs_grad(weight) ? save_input(0) : 0u);
  return record(
      "linear", kernels::linear(x, weight, bias), {x, weight, bias}, save,
      each(
          [](const Backward& d) {
            return grad_enabled() ? matmul(d.grad(), d.input(1)) : kernels::linear_backward_input(d.grad(), d.input(1));
          },
          [](const Backward& d) {
            return grad_enabled() ? matmul(transposed(rows(d.grad())), rows(d.input(0)))
                                  : kernels::linear_backward_weight(d.grad(), d.input(0));
          },
          [](const Backward& d) {
            return grad_enabled() ? sum_to(d.grad(), d.input_shape(2)) : kernels::linear_backward_bias(d.grad());
          }));
}

}  // namespace ditharos
