// Special functions: the inverse error function, the gamma function's logarithm and its derivatives.
#include <cmath>
#include <numbers>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>

namespace ditharos {

using kernels::Unary;

Tensor erfinv(const Tensor& x) {
  // d/dx erf^-1(x) = sqrt(pi) / 2 exp(y^2)
  return record("erfinv", kernels::unary(Unary::erfinv, x), {x}, save_output, each([](const Backward& d) {
                  return d.grad() * exp(square(d.output())) * (.5 / std::numbers::inv_sqrtpi);
                }),
                elementwise);
}

Tensor lgamma(const Tensor& x) {
  return record("lgamma", kernels::unary(Unary::lgamma, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() * digamma(d.input(0)); }), elementwise);
}

Tensor digamma(const Tensor& x) {
  return record("digamma", kernels::unary(Unary::digamma, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() * polygamma(1, d.input(0)); }), elementwise);
}

Tensor polygamma(int64_t n, const Tensor& x) {
  check<ConfigError>(n >= 0 && n <= 100, "[polygamma] the order must lie in [0, 100], got ", n);
  if (n == 0) return digamma(x);
  return record("polygamma", kernels::unary(Unary::polygamma, x, double(n)), {x}, save_inputs,
                each([n](const Backward& d) { return d.grad() * polygamma(n + 1, d.input(0)); }), elementwise);
}

Tensor float_power(const Tensor& x, double exponent) { return pow(to(x, DType::f64), exponent); }
Tensor float_power(const Tensor& x, const Tensor& exponent) {
  static_cast<void>(broadcast_shapes("float_power", x.shape(), exponent.shape()));
  return pow(to(x, DType::f64), to(exponent, DType::f64));
}

}  // namespace ditharos
