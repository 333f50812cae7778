// Matrix products.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/autograd/ops/reduced.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/gemm/linear.h>
#include <ditharos/tensor/kernels/gemm/matmul.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/product_dtype.h>

namespace ditharos {
namespace {
Tensor transposed(const Tensor& x) { return transpose(x, -2, -1); }

/// [..., n] as [rows, n]. The rows are counted, because n may be 0.
Tensor rows(const Tensor& x) {
  const Shape leading(x.shape().begin(), x.shape().end() - 1);
  return reshape(x, {numel(leading), x.size(-1)});
}

/// dy^T x for the weight, input 1; undefined when it was added to the gradient that the weight has already.
Tensor weight_gradient(const Backward& d, const Tensor& dy) {
  const Tensor so_far = d.pending(1);
  if (!so_far.defined()) return kernels::linear_backward_weight(dy, d.input(0));
  kernels::accumulate_linear_backward_weight(dy, d.input(0), so_far);
  return {};
}

/// The weight of a linear layer as its product read it.
Tensor as_read(const Tensor& weight, DType dtype) { return dtype == DType::bf16 ? to(weight, dtype) : weight; }

/// dy W, rounded if the producer of x, input 0, accepts that.
Tensor input_gradient(const Backward& d, const Tensor& dy) {
  return d.needs(0) ? kernels::linear_backward_input(dy, d.input(1), d.accepts_rounded(0)) : Tensor{};
}

/// dx W^T + x dW^T + db
Tensor linear_tangent(const Tangents& d, const Tensor& x, const Tensor& weight) {
  return each_tangent([&](const Tensor& dx) { return linear(dx, weight); },
                      [&](const Tensor& dw) { return linear(x, dw); }, [](const Tensor& db) { return db; })(d);
}
}  // namespace

Tensor matmul(const Tensor& left, const Tensor& right) {
  Tensor a = left, b = right;
  check<ShapeError>(a.rank() >= 1 && b.rank() >= 1, "[matmul] needs at least one axis each, got shapes ", a.shape(),
                    " and ", b.shape());
  // A vector is a matrix of one row (left) or one column (right); the axis is dropped from the result.
  if (a.rank() == 1) return squeeze(matmul(unsqueeze(a, 0), b), b.rank() == 1 ? 0 : -2);
  if (b.rank() == 1) return squeeze(matmul(a, unsqueeze(b, 1)), -1);
  round_operands(a, b);
  // C = A B: dA = dC B^T, dB = A^T dC
  return record(
      "matmul", kernels::matmul(a, b), {a, b}, save_inputs,
      each([](const Backward& d) { return matmul(d.grad(), transposed(d.input(1))); },
           [](const Backward& d) { return matmul(transposed(d.input(0)), d.grad()); }),
      each_tangent([&](const Tensor& da) { return matmul(da, b); }, [&](const Tensor& db) { return matmul(a, db); }));
}

Tensor outer(const Tensor& a, const Tensor& b) {
  check<ShapeError>(a.rank() == 1 && b.rank() == 1, "[outer] needs two vectors, got shapes ", a.shape(), " and ",
                    b.shape());
  check_one_dtype("outer", "the first", a, "the second", b);
  return unsqueeze(a, 1) * b;
}

namespace {

/// y = x W^T + b: dx = dy W, dW = dy^T x, db = sum of dy over all rows. `y` in f32, or rounded.
Tensor record_linear(const Tensor& y, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const DType dtype = x.dtype();
  const auto kernel = [dtype](const Backward& d) -> Grads {
    Tensor dbias;
    const Tensor dy =
        gradient_as_read(d, dtype, kernels::linear_backward_bias, kernels::round_and_linear_backward_bias, &dbias);
    return {input_gradient(d, dy), d.needs(1) ? weight_gradient(d, dy) : Tensor{}, dbias};
  };
  return accept_rounded_gradient(
      record("linear", y, {x, weight, bias}, save_factors(x, weight),
             fused(kernel, each([dtype](const Backward& d) { return matmul(d.grad(), as_read(d.input(1), dtype)); },
                                [](const Backward& d) { return matmul(transposed(rows(d.grad())), rows(d.input(0))); },
                                [](const Backward& d) { return sum_to(d.grad(), d.input_shape(2)); })),
             [&](const Tangents& d) { return to(linear_tangent(d, x, weight), y.dtype()); }));
}

}  // namespace

Tensor linear(const Tensor& input, const Tensor& w, const Tensor& bias) {
  Tensor x = input, weight = w;
  round_input(x, weight);
  return record_linear(kernels::linear(x, weight, bias), x, weight, bias);
}

Tensor reduced::linear(const Tensor& input, const Tensor& w, const Tensor& bias) {
  Tensor x = input, weight = w;
  round_input(x, weight);
  return record_linear(kernels::linear_rounded(x, weight, bias), x, weight, bias);
}

Tensor linear_gelu_tanh(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return reduced::widened(reduced::linear_gelu_tanh(x, weight, bias));
}

Tensor reduced::linear_gelu_tanh(const Tensor& input, const Tensor& w, const Tensor& bias) {
  Tensor x = input, weight = w;
  round_input(x, weight);
  // With h = x W^T + b and y = gelu(h): dh = dy gelu'(h), and then as in linear. y is not kept: h gives it again.
  Tensor h;
  const Tensor y = kernels::linear_gelu_tanh(x, weight, bias, &h);
  const auto kernel = [kept = Saved(h)](const Backward& d) -> Grads {
    const Tensor h = d.intermediate(kept);
    const Tensor& dy = d.rounded_grad();
    const Tensor own = h.dtype() == dy.dtype() ? d.own_grad() : Tensor{};
    const Tensor dh = own.defined() ? own : Tensor(h.shape(), h.dtype());
    const Tensor dbias = kernels::gelu_tanh_backward_bias(dy, h, dh);
    return {input_gradient(d, dh), d.needs(1) ? weight_gradient(d, dh) : Tensor{}, dbias};
  };
  const auto composite =
      derivative_of([](const std::vector<Tensor>& in) { return gelu_tanh(ditharos::linear(in[0], in[1], in[2])); });
  const auto tangent = fused(
      [&](const Tangents& d) {
        const Tensor dh = linear_tangent(d, x, weight);
        return kernels::binary(kernels::Binary::gelu_tanh_backward, expand(dh, h.shape()),
                               kernels::to_dtype(h, dh.dtype()));
      },
      composite);
  return accept_rounded_gradient(record(
      "linear_gelu_tanh", y, {x, weight, bias}, save_inputs, fused(kernel, composite),
      [&](const Tangents& d) { return to(tangent(d), y.dtype()); },
      [&] {
        return Rematerialization({h}, [](const std::vector<Tensor>& in) { return kernels::gelu_tanh_of(in[0]); });
      }));
}

}  // namespace ditharos
