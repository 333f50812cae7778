// Arithmetic on several operands, and numbers in the place of operands.
#include <cmath>
#include <limits>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>

namespace ditharos {

using kernels::Binary;

Tensor where(const Tensor& condition, const Tensor& a, double b) {
  return where(condition, a, number_like("where", b, a));
}
Tensor where(const Tensor& condition, double a, const Tensor& b) {
  return where(condition, number_like("where", a, b), b);
}
Tensor where(const Tensor& condition, double a, double b) { return where(condition, scalar(a), scalar(b)); }

Tensor maximum(const Tensor& a, double b) { return maximum(a, number_like("maximum", b, a)); }
Tensor maximum(double a, const Tensor& b) { return maximum(number_like("maximum", a, b), b); }
Tensor minimum(const Tensor& a, double b) { return minimum(a, number_like("minimum", b, a)); }
Tensor minimum(double a, const Tensor& b) { return minimum(number_like("minimum", a, b), b); }

Tensor pow(double base, const Tensor& exponent) {
  check_floating("pow", exponent.dtype());
  return pow(scalar(base, exponent.dtype()), exponent);
}

Tensor clamp_min(const Tensor& x, double low) {
  check_whole_number("clamp_min", x, low);
  return clamp(x, low, {});
}
Tensor clamp_max(const Tensor& x, double high) {
  check_whole_number("clamp_max", x, high);
  return clamp(x, {}, high);
}

Tensor clamp(const Tensor& x, const Tensor& low, const Tensor& high) {
  Tensor y = x;
  if (low.defined()) {
    check_elementwise("clamp", y, {low});
    y = where(less(y, low), low, y);
  }
  if (high.defined()) {
    check_elementwise("clamp", y, {high});
    y = where(greater(y, high), high, y);
  }
  return y;
}

namespace {
/// The distance from the origin, 1 where it is 0.
Tensor distance(const Tensor& a, const Tensor& b) {
  const Tensor h = hypot(a, b);
  return where(equal(h, 0), 1, h);
}
}  // namespace

Tensor atan2(const Tensor& y, const Tensor& x) {
  // d atan2(y, x) = (x dy - y dx) / (x^2 + y^2); the gradient at the origin is 0.
  return record("atan2", kernels::binary(Binary::atan2, y, x), {y, x}, save_inputs,
                each(
                    [](const Backward& d) {
                      const Tensor h = distance(d.input(0), d.input(1));
                      return d.grad() * (d.input(1) / h / h);
                    },
                    [](const Backward& d) {
                      const Tensor h = distance(d.input(0), d.input(1));
                      return -(d.grad() * (d.input(0) / h / h));
                    }),
                elementwise);
}

Tensor hypot(const Tensor& a, const Tensor& b) {
  // d sqrt(a^2 + b^2) = (a da + b db) / y; the gradient at the origin is 0.
  const auto side = [](size_t i) {
    return [i](const Backward& d) {
      const Tensor y = d.output(), zero = equal(y, 0);
      return d.grad() * (where(zero, 0, d.input(i)) / where(zero, 1, y));
    };
  };
  return record("hypot", kernels::binary(Binary::hypot, a, b), {a, b}, save_inputs | save_output,
                each(side(0), side(1)), elementwise);
}

namespace {
/// Integers have no result for a division by 0.
void check_divisor(const char* op, const Tensor& b) {
  if (is_floating(b.dtype()) || b.dtype() == DType::boolean) return;
  const NoGrad guard;
  check<ShapeError>(b.numel() == 0 || all(b).item() != 0, "[", op, "] integers are divided by 0");
}
}  // namespace

Tensor fmod(const Tensor& a, const Tensor& b) {
  check_divisor("fmod", b);
  return record("fmod", kernels::binary(Binary::fmod, a, b), {a, b}, save_inputs,
                each([](const Backward& d) { return d.grad(); },
                     [](const Backward& d) { return -(d.grad() * trunc(d.input(0) / d.input(1))); }),
                elementwise);
}

Tensor remainder(const Tensor& a, const Tensor& b) {
  check_divisor("remainder", b);
  return record("remainder", kernels::binary(Binary::remainder, a, b), {a, b}, save_inputs,
                each([](const Backward& d) { return d.grad(); },
                     [](const Backward& d) { return -(d.grad() * floor_divide(d.input(0), d.input(1))); }),
                elementwise);
}

Tensor floor_divide(const Tensor& a, const Tensor& b) {
  check_divisor("floor_divide", b);
  return record("floor_divide", kernels::binary(Binary::floor_divide, a, b), {a, b}, save_nothing,
                each([](const Backward& d) { return zeros_like(d.grad()); },
                     [](const Backward& d) { return zeros_like(d.grad()); }),
                elementwise);
}

Tensor fmod(const Tensor& a, double b) { return fmod(a, number_like("fmod", b, a)); }
Tensor remainder(const Tensor& a, double b) { return remainder(a, number_like("remainder", b, a)); }
Tensor floor_divide(const Tensor& a, double b) { return floor_divide(a, number_like("floor_divide", b, a)); }

Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight) {
  check_floating_elementwise("lerp", start, {end, weight});
  // From the nearer end, so that weights 0 and 1 give the ends themselves.
  const Tensor difference = end - start;
  return where(less(weight, .5), start + weight * difference, end - (1 - weight) * difference);
}

Tensor lerp(const Tensor& start, const Tensor& end, double weight) {
  check_floating_elementwise("lerp", start, {end});
  const Tensor difference = end - start;
  return weight < .5 ? start + difference * weight : end - difference * (1 - weight);
}

Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, double value) {
  check_floating_elementwise("addcmul", x, {a, b});
  const Tensor product = a * b;
  return x + (value == 1 ? product : product * value);
}

Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, double value) {
  check_floating_elementwise("addcdiv", x, {a, b});
  const Tensor quotient = a / b;
  return x + (value == 1 ? quotient : quotient * value);
}

namespace {
/// a - b, and 0 where both are the same infinity.
Tensor finite_difference(const Tensor& a, const Tensor& b) {
  const Tensor same = logical_and(equal(a, b), isinf(a));
  return where(same, 0, a) - where(same, 0, b);
}

/// The larger plus ln(1 + e^-|a - b|).
Tensor logaddexp_value(const Tensor& a, const Tensor& b) {
  const NoGrad guard;
  return maximum(a, b) + log1p(exp(-abs(finite_difference(a, b))));
}
}  // namespace

Tensor logaddexp(const Tensor& a, const Tensor& b) {
  check_floating_elementwise("logaddexp", a, {b});
  // d/da = e^a / (e^a + e^b) = sigmoid(a - b)
  const auto side = [](size_t mine, size_t other) {
    return [=](const Backward& d) { return d.grad() * sigmoid(finite_difference(d.input(mine), d.input(other))); };
  };
  return record("logaddexp", logaddexp_value(a, b), {a, b}, save_inputs, each(side(0, 1), side(1, 0)), elementwise);
}

Tensor nan_to_num(const Tensor& x, double nan, std::optional<double> infinity, std::optional<double> minus_infinity) {
  if (!is_floating(x.dtype())) return x;
  check_floating("nan_to_num", x.dtype());
  constexpr double top = std::numeric_limits<double>::infinity();
  const double largest =
      x.dtype() == DType::f32 ? double(std::numeric_limits<float>::max()) : std::numeric_limits<double>::max();
  const Tensor below = where(equal(x, -top), minus_infinity.value_or(-largest), x);
  return where(isnan(x), nan, where(equal(x, top), infinity.value_or(largest), below));
}

}  // namespace ditharos
