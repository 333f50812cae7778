// Activations. Each has a fused kernel g * f'(x) for the first order and the same formula in public operations for
// higher ones.
#include <numbers>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/pointwise.h>

namespace ditharos {

using kernels::Binary;
using kernels::Unary;

namespace {
using Derivative = Tensor (*)(const Tensor&);

/// y = f(x) whose derivative is a function of the input.
Tensor function_of_input(const char* name, Unary f, Binary kernel, Derivative derivative, const Tensor& x) {
  return record(name, kernels::unary(f, x), {x}, save_inputs, each([=](const Backward& d) {
                  if (!grad_enabled()) return kernels::binary(kernel, d.grad(), d.input(0));
                  // All tails have ended long before these bounds, which keep 0 * infinity out, as the kernels do.
                  return d.grad() * derivative(clamp(d.input(0), -1e4, 1e4));
                }),
                [&] { return Recipe({x}, [f](const std::vector<Tensor>& in) { return kernels::unary(f, in[0]); }); });
}

/// y = f(x) whose derivative is a function of the output.
Tensor function_of_output(const char* name, Unary f, Binary kernel, Derivative derivative, const Tensor& x) {
  return record(name, kernels::unary(f, x), {x}, save_output, each([=](const Backward& d) {
                  if (!grad_enabled()) return kernels::binary(kernel, d.grad(), d.output());
                  return d.grad() * derivative(d.output());
                }));
}
}  // namespace

Tensor tanh(const Tensor& x) {
  return function_of_output("tanh", Unary::tanh, Binary::tanh_backward,
                            [](const Tensor& y) { return 1.0 - square(y); }, x);
}

Tensor sigmoid(const Tensor& x) {
  return function_of_output("sigmoid", Unary::sigmoid, Binary::sigmoid_backward,
                            [](const Tensor& y) { return y * (1.0 - y); }, x);
}

Tensor relu(const Tensor& x) {
  return function_of_output("relu", Unary::relu, Binary::relu_backward, [](const Tensor& y) {
    const Tensor zero = scalar(0, y.dtype());
    return where(less_equal(y, zero), zero, scalar(1, y.dtype()));  // 1 at NaN, as in the kernel
  }, x);
}

Tensor leaky_relu(const Tensor& x, double slope) {
  return record("leaky_relu", kernels::unary(Unary::leaky_relu, x, slope), {x}, save_inputs,
                each([slope](const Backward& d) {
                  return where(greater(d.input(0), scalar(0, d.grad().dtype())), d.grad(), d.grad() * slope);
                }));
}

Tensor elu(const Tensor& x, double alpha) {
  // 1 above 0, alpha e^x below; e^x is taken of the negative part alone, where it cannot overflow.
  return record("elu", kernels::unary(Unary::elu, x, alpha), {x}, save_inputs, each([alpha](const Backward& d) {
                  const Tensor v = d.input(0), zero = scalar(0, v.dtype());
                  return where(greater(v, zero), d.grad(), d.grad() * exp(minimum(v, zero)) * alpha);
                }));
}

Tensor softplus(const Tensor& x) {
  // d/dx log(1 + e^x) = sigmoid(x)
  return record("softplus", kernels::unary(Unary::softplus, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() * sigmoid(d.input(0)); }));
}

Tensor silu(const Tensor& x) {
  // d/dx x s(x) = s + x s (1 - s)
  return function_of_input("silu", Unary::silu, Binary::silu_backward, [](const Tensor& v) {
    const Tensor s = sigmoid(v);
    return s + v * s * (1.0 - s);
  }, x);
}

Tensor gelu(const Tensor& x) {
  // d/dx x Phi(x) = Phi(x) + x phi(x)
  return function_of_input("gelu", Unary::gelu, Binary::gelu_backward, [](const Tensor& v) {
    constexpr double inv_sqrt2 = 1 / std::numbers::sqrt2, inv_sqrt_2pi = std::numbers::inv_sqrtpi * inv_sqrt2;
    const Tensor phi = exp(square(v) * -.5) * inv_sqrt_2pi;
    return (erf(v * inv_sqrt2) + 1.0) * .5 + v * phi;
  }, x);
}

Tensor gelu_tanh(const Tensor& x) {
  // x/2 (1 + tanh u), u = sqrt(2/pi) (x + .044715 x^3); derivative (1 + tanh u)/2 + x/2 (1 - tanh^2 u) u'
  return function_of_input("gelu_tanh", Unary::gelu_tanh, Binary::gelu_tanh_backward, [](const Tensor& v) {
    constexpr double c = std::numbers::sqrt2 * std::numbers::inv_sqrtpi, cubic = .044715;
    const Tensor t = tanh((v + pow(v, 3) * cubic) * c);
    const Tensor du = (square(v) * (3 * cubic) + 1.0) * c;
    return (t + 1.0) * .5 + v * (1.0 - square(t)) * du * .5;
  }, x);
}

}  // namespace ditharos
