// Circular and hyperbolic functions and the inverses of the circular ones; tanh stands with the activations.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>

namespace ditharos {

using kernels::Unary;

Tensor sin(const Tensor& x) {
  return record("sin", kernels::unary(Unary::sin, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() * cos(d.input(0)); }), elementwise);
}

Tensor cos(const Tensor& x) {
  return record("cos", kernels::unary(Unary::cos, x), {x}, save_inputs,
                each([](const Backward& d) { return -(d.grad() * sin(d.input(0))); }), elementwise);
}

Tensor tan(const Tensor& x) {
  // d/dx tan x = 1 + tan^2 x
  return record("tan", kernels::unary(Unary::tan, x), {x}, save_output,
                each([](const Backward& d) { return d.grad() * (square(d.output()) + 1.0); }), elementwise);
}

namespace {
/// 1 / sqrt(1 - x^2); near 1 from the product (1 - x)(1 + x), without the rounding error of x^2.
Tensor arc_slope(const Tensor& x) {
  const Tensor near_zero = less(kernels::unary(Unary::abs, x), scalar(.5, x.dtype()));
  return rsqrt(where(near_zero, 1.0 - square(x), (1.0 - x) * (x + 1.0)));
}
}  // namespace

Tensor asin(const Tensor& x) {
  // d/dx asin x = 1 / sqrt(1 - x^2)
  return record("asin", kernels::unary(Unary::asin, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() * arc_slope(d.input(0)); }), elementwise);
}

Tensor acos(const Tensor& x) {
  // acos x = pi/2 - asin x
  return record("acos", kernels::unary(Unary::acos, x), {x}, save_inputs,
                each([](const Backward& d) { return -(d.grad() * arc_slope(d.input(0))); }), elementwise);
}

Tensor atan(const Tensor& x) {
  // d/dx atan x = 1 / (1 + x^2)
  return record("atan", kernels::unary(Unary::atan, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() / (square(d.input(0)) + 1.0); }), elementwise);
}

Tensor sinh(const Tensor& x) {
  return record("sinh", kernels::unary(Unary::sinh, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() * cosh(d.input(0)); }), elementwise);
}

Tensor cosh(const Tensor& x) {
  return record("cosh", kernels::unary(Unary::cosh, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() * sinh(d.input(0)); }), elementwise);
}

}  // namespace ditharos
