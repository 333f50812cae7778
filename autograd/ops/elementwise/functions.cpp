// Functions of one variable: logarithms and powers of 2 and 10, inverse hyperbolic functions, rounding towards 0.
#include <numbers>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>

namespace ditharos {

using kernels::Unary;

Tensor exp2(const Tensor& x) {
  // d/dx 2^x = 2^x ln 2
  return record("exp2", kernels::unary(Unary::exp2, x), {x}, save_output,
                each([](const Backward& d) { return d.grad() * d.output() * std::numbers::ln2; }), elementwise);
}

Tensor log2(const Tensor& x) {
  return record("log2", kernels::unary(Unary::log2, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() / d.input(0) / std::numbers::ln2; }), elementwise);
}

Tensor log10(const Tensor& x) {
  return record("log10", kernels::unary(Unary::log10, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() / d.input(0) / std::numbers::ln10; }), elementwise);
}

Tensor asinh(const Tensor& x) {
  // d/dx asinh x = 1 / sqrt(x^2 + 1)
  return record("asinh", kernels::unary(Unary::asinh, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() / hypot(d.input(0), scalar(1, d.grad().dtype())); }),
                elementwise);
}

Tensor acosh(const Tensor& x) {
  // d/dx acosh x = 1 / sqrt(x^2 - 1), from the product (x - 1)(x + 1), without the rounding error of x^2
  return record("acosh", kernels::unary(Unary::acosh, x), {x}, save_inputs, each([](const Backward& d) {
                  const Tensor v = d.input(0);
                  return d.grad() * (rsqrt(v - 1.0) * rsqrt(v + 1.0));
                }),
                elementwise);
}

Tensor atanh(const Tensor& x) {
  // d/dx atanh x = 1 / (1 - x^2)
  return record("atanh", kernels::unary(Unary::atanh, x), {x}, save_inputs, each([](const Backward& d) {
                  const Tensor v = d.input(0);
                  return d.grad() / ((1.0 - v) * (v + 1.0));
                }),
                elementwise);
}

Tensor erfc(const Tensor& x) {
  // d/dx erfc(x) = -2/sqrt(pi) exp(-x^2)
  return record("erfc", kernels::unary(Unary::erfc, x), {x}, save_inputs, each([](const Backward& d) {
                  // 0 from far before the bounds on; they keep 0 * infinity out of the second derivative.
                  const Tensor v = clamp(d.input(0), -1e4, 1e4);
                  return d.grad() * exp(-square(v)) * (-2 * std::numbers::inv_sqrtpi);
                }),
                elementwise);
}

Tensor trunc(const Tensor& x) {
  return record("trunc", kernels::unary(Unary::trunc, x), {x}, save_nothing,
                each([](const Backward& d) { return zeros_like(d.grad()); }), elementwise);
}

Tensor frac(const Tensor& x) {
  check_floating("frac", x.dtype());
  return x - trunc(x);
}

}  // namespace ditharos
