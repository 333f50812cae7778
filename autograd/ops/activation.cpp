// Activations. Each has a fused kernel g * f'(x) for the first order and the same formula in public operations for
// higher ones.
#include <numbers>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/normal_cdf.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>

namespace ditharos {

using kernels::Binary;
using kernels::Unary;

namespace {
using Derivative = Tensor (*)(const Tensor&);

/// y = f(x) whose derivative is a function of the input.
Tensor function_of_input(const char* name, Unary f, Binary kernel, Derivative derivative, const Tensor& x) {
  return record(
      name, kernels::unary(f, x), {x}, save_inputs,
      fused(each([kernel](const Backward& d) { return kernels::binary(kernel, d.grad(), d.input(0)); }),
            each([derivative](const Backward& d) { return d.grad() * derivative(d.input(0)); })),
      elementwise,
      [&] { return Rematerialization({x}, [f](const std::vector<Tensor>& in) { return kernels::unary(f, in[0]); }); });
}

/// x clamped to bounds beyond which the other factor is 0: avoids 0 * infinity, as the kernels do.
Tensor bounded(const Tensor& x) { return clamp(x, -1e4, 1e4); }
}  // namespace

Tensor normal_cdf(const Tensor& x) {
  // d/dx Phi(x) = phi(x) = e^(-x^2/2) / sqrt(2 pi)
  return record("normal_cdf", kernels::unary(Unary::normal_cdf, x), {x}, save_inputs, each([](const Backward& d) {
                  constexpr double inv_sqrt_2pi = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
                  return d.grad() * exp(square(bounded(d.input(0))) * -.5) * inv_sqrt_2pi;
                }),
                elementwise);
}

// Derivatives are written from x: 1 - y from a rounded y is 0 in the tails, where the derivative is not. A result that
// a later operation saves is computed again from x.
Tensor tanh(const Tensor& x) {
  // d/dx tanh x = 1 - tanh^2 x near 0, (1 - tanh x)(1 + tanh x) = 4 s(2x) s(-2x) elsewhere
  return function_of_input(
      "tanh", Unary::tanh, Binary::tanh_backward,
      [](const Tensor& v) {
        const Tensor near = less(kernels::unary(Unary::abs, v), scalar(1, v.dtype())), twice = v * 2.0;
        return where(near, 1.0 - square(tanh(v)), sigmoid(twice) * sigmoid(-twice) * 4.0);
      },
      x);
}

Tensor sigmoid(const Tensor& x) {
  // d/dx s(x) = s(x) s(-x)
  return function_of_input(
      "sigmoid", Unary::sigmoid, Binary::sigmoid_backward, [](const Tensor& v) { return sigmoid(v) * sigmoid(-v); }, x);
}

Tensor relu(const Tensor& x) {
  // d/dx relu(x) depends only on the sign of x, which the output has too.
  return record(
      "relu", kernels::unary(Unary::relu, x), {x}, save_output,
      fused(each([](const Backward& d) { return kernels::binary(Binary::relu_backward, d.grad(), d.output()); }),
            each([](const Backward& d) {
              const Tensor y = d.output(), zero = scalar(0, y.dtype());
              return where(less_equal(y, zero), zero, d.grad());  // all of it at NaN, as in the kernel
            })),
      elementwise);
}

Tensor leaky_relu(const Tensor& x, double slope) {
  return record("leaky_relu", kernels::unary(Unary::leaky_relu, x, slope), {x}, save_inputs,
                each([slope](const Backward& d) {
                  return where(greater(d.input(0), scalar(0, d.grad().dtype())), d.grad(), d.grad() * slope);
                }),
                elementwise);
}

Tensor elu(const Tensor& x, double alpha) {
  // 1 above 0, alpha e^x below; e^x is taken of the negative part alone, where it cannot overflow.
  return record("elu", kernels::unary(Unary::elu, x, alpha), {x}, save_inputs, each([alpha](const Backward& d) {
                  const Tensor v = d.input(0), zero = scalar(0, v.dtype());
                  return where(greater(v, zero), d.grad(), d.grad() * exp(minimum(v, zero)) * alpha);
                }),
                elementwise);
}

Tensor softplus(const Tensor& x) {
  // d/dx log(1 + e^x) = sigmoid(x)
  return record("softplus", kernels::unary(Unary::softplus, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() * sigmoid(d.input(0)); }), elementwise);
}

Tensor silu(const Tensor& x) {
  // d/dx x s(x) = s(x) + x s(x) s(-x)
  return function_of_input(
      "silu", Unary::silu, Binary::silu_backward,
      [](const Tensor& v) {
        const Tensor s = sigmoid(v);
        return s + bounded(v) * (s * sigmoid(-v));
      },
      x);
}

Tensor gelu(const Tensor& x) {
  // d/dx x Phi(x) = Phi(x) + x phi(x)
  return function_of_input(
      "gelu", Unary::gelu, Binary::gelu_backward,
      [](const Tensor& v) {
        constexpr double inv_sqrt_2pi = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
        const Tensor b = bounded(v);
        return normal_cdf(v) + b * exp(square(b) * -.5) * inv_sqrt_2pi;
      },
      x);
}

Tensor gelu_tanh(const Tensor& x) {
  // x/2 (1 + tanh u) = x s(w), w = 2u = 2 sqrt(2/pi) (x + .044715 x^3); derivative s(w) + x s(w) s(-w) w'
  return function_of_input(
      "gelu_tanh", Unary::gelu_tanh, Binary::gelu_tanh_backward,
      [](const Tensor& v) {
        constexpr double c1 = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi, c3 = c1 * .044715;
        const Tensor b = bounded(v), b2 = square(b), w = b * (b2 * c3 + c1), s = sigmoid(w);
        return s + b * (s * sigmoid(-w)) * (b2 * (3 * c3) + c1);
      },
      x);
}

}  // namespace ditharos
