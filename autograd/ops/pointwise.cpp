// Arithmetic and functions of one variable. `d.grad()` is the gradient of the output; the engine undoes broadcasting.
#include <cmath>
#include <limits>
#include <numbers>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>

namespace ditharos {

using kernels::Binary;
using kernels::Unary;

Tensor operator+(const Tensor& a, const Tensor& b) {
  return record("add", kernels::binary(Binary::add, a, b), {a, b}, save_nothing,
                each([](const Backward& d) { return d.grad(); }, [](const Backward& d) { return d.grad(); }),
                elementwise);
}

Tensor operator-(const Tensor& a, const Tensor& b) {
  return record("sub", kernels::binary(Binary::sub, a, b), {a, b}, save_nothing,
                each([](const Backward& d) { return d.grad(); }, [](const Backward& d) { return -d.grad(); }),
                elementwise);
}

Tensor operator*(const Tensor& a, const Tensor& b) {
  return record("mul", kernels::binary(Binary::mul, a, b), {a, b}, save_factors(a, b),
                each([](const Backward& d) { return d.grad() * d.input(1); },
                     [](const Backward& d) { return d.grad() * d.input(0); }),
                elementwise);
}

Tensor operator/(const Tensor& a, const Tensor& b) {
  // d(a/b) = da / b - (a/b) db / b
  return record("div", kernels::binary(Binary::div, a, b), {a, b}, save_input(1) | save_output,
                each([](const Backward& d) { return d.grad() / d.input(1); },
                     [](const Backward& d) { return -(d.grad() * d.output() / d.input(1)); }),
                elementwise);
}

Tensor operator+(const Tensor& a, double b) {
  return record("add_scalar", kernels::unary(Unary::add_scalar, a, b), {a}, save_nothing,
                each([](const Backward& d) { return d.grad(); }), elementwise);
}

Tensor operator*(const Tensor& a, double b) {
  return record("mul_scalar", kernels::unary(Unary::mul_scalar, a, b), {a}, save_nothing,
                each([b](const Backward& d) { return d.grad() * b; }), elementwise);
}

Tensor operator-(const Tensor& a, double b) {
  check_whole_number("sub", a, b);
  return a + (-b);
}
Tensor operator/(const Tensor& a, double b) {
  check_floating("div", a.dtype());
  return record("div_scalar", kernels::unary(Unary::div_scalar, a, b), {a}, save_nothing,
                each([b](const Backward& d) { return d.grad() / b; }), elementwise);
}
Tensor operator+(double a, const Tensor& b) { return b + a; }
Tensor operator-(double a, const Tensor& b) {
  check_whole_number("sub", b, a);
  return -b + a;
}
Tensor operator*(double a, const Tensor& b) { return b * a; }
Tensor operator/(double a, const Tensor& b) {
  check_floating("div", b.dtype());
  return scalar(a, b.dtype()) / b;
}

Tensor operator-(const Tensor& x) {
  return record("neg", kernels::unary(Unary::neg, x), {x}, save_nothing,
                each([](const Backward& d) { return -d.grad(); }), elementwise);
}

Tensor pow(const Tensor& x, double exponent) {
  // d/dx x^p = p x^(p-1); for p = 0 the derivative is 0 even where x^(-1) is infinite.
  return record("pow", kernels::unary(Unary::pow_scalar, x, exponent), {x}, save_inputs,
                each([exponent](const Backward& d) {
                  return exponent == 0 ? zeros_like(d.grad()) : d.grad() * pow(d.input(0), exponent - 1) * exponent;
                }),
                elementwise);
}

Tensor pow(const Tensor& base, const Tensor& exponent) {
  // d/da a^b = b a^(b-1), 0 for b = 0;  d/db a^b = a^b ln a, 0 for a = 0, where a^b stays 0 as b grows
  return record("pow", kernels::binary(Binary::pow, base, exponent), {base, exponent}, save_inputs,
                each(
                    [](const Backward& d) {
                      const Tensor a = d.input(0), b = d.input(1), zero = scalar(0, b.dtype());
                      const Tensor constant = equal(b, zero);
                      // The branch that is not taken must be finite too: its derivative is multiplied with 0.
                      const Tensor safe = where(constant, scalar(1, b.dtype()), b);
                      return where(constant, zero, d.grad() * b * pow(a, safe - 1.0));
                    },
                    [](const Backward& d) {
                      const Tensor a = d.input(0), b = d.input(1), zero = scalar(0, a.dtype());
                      const Tensor vanishes = equal(a, zero), safe = where(vanishes, scalar(1, a.dtype()), a);
                      return where(vanishes, zero, d.grad() * pow(safe, b) * log(safe));
                    }),
                elementwise);
}

namespace {
/// The share of the gradient for one side of a maximum: 0 where it loses, 1/2 at ties, else 1. Where either side is NaN
/// there is no loser, and both get the whole of it, as in PyTorch.
Tensor winner_grad(const Tensor& grad, const Tensor& loses, const Tensor& ties) {
  return where(loses, scalar(0, grad.dtype()), where(ties, grad * .5, grad));
}
}  // namespace

Tensor maximum(const Tensor& a, const Tensor& b) {
  const auto side = [](int mine, int other) {
    return [=](const Backward& d) {
      const Tensor x = d.input(mine), y = d.input(other);
      return winner_grad(d.grad(), less(x, y), equal(x, y));
    };
  };
  return record("maximum", kernels::binary(Binary::maximum, a, b), {a, b}, save_inputs, each(side(0, 1), side(1, 0)),
                elementwise);
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  const auto side = [](int mine, int other) {
    return [=](const Backward& d) {
      const Tensor x = d.input(mine), y = d.input(other);
      return winner_grad(d.grad(), greater(x, y), equal(x, y));
    };
  };
  return record("minimum", kernels::binary(Binary::minimum, a, b), {a, b}, save_inputs, each(side(0, 1), side(1, 0)),
                elementwise);
}

namespace {
/// A function that is constant between its steps: its derivative is 0 wherever there is one.
Tensor step_function(const char* name, Unary f, const Tensor& x) {
  return record(name, kernels::unary(f, x), {x}, save_nothing,
                each([](const Backward& d) { return zeros_like(d.grad()); }), elementwise);
}
}  // namespace

Tensor abs(const Tensor& x) {
  // The derivative is sign(x), piecewise constant, so sign itself is not recorded.
  return record("abs", kernels::unary(Unary::abs, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() * kernels::unary(Unary::sign, d.input(0)); }),
                elementwise);
}

Tensor square(const Tensor& x) {
  return record("square", kernels::unary(Unary::square, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() * d.input(0) * 2.0; }), elementwise);
}

Tensor sqrt(const Tensor& x) {
  // d/dx sqrt(x) = 1 / (2 sqrt(x))
  return record("sqrt", kernels::unary(Unary::sqrt, x), {x}, save_output,
                each([](const Backward& d) { return d.grad() / d.output() * .5; }), elementwise);
}

Tensor rsqrt(const Tensor& x) {
  // d/dx x^(-1/2) = -1/2 x^(-3/2)
  return record("rsqrt", kernels::unary(Unary::rsqrt, x), {x}, save_output,
                each([](const Backward& d) { return d.grad() * pow(d.output(), 3) * -.5; }), elementwise);
}

Tensor reciprocal(const Tensor& x) {
  // d/dx 1/x = -1/x^2
  return record("reciprocal", kernels::unary(Unary::reciprocal, x), {x}, save_output,
                each([](const Backward& d) { return -(d.grad() * square(d.output())); }), elementwise);
}

Tensor sign(const Tensor& x) { return step_function("sign", Unary::sign, x); }
Tensor floor(const Tensor& x) { return step_function("floor", Unary::floor, x); }
Tensor ceil(const Tensor& x) { return step_function("ceil", Unary::ceil, x); }
Tensor round(const Tensor& x) { return step_function("round", Unary::round, x); }

Tensor exp(const Tensor& x) {
  return record("exp", kernels::unary(Unary::exp, x), {x}, save_output,
                each([](const Backward& d) { return d.grad() * d.output(); }), elementwise);
}

Tensor log(const Tensor& x) {
  return record("log", kernels::unary(Unary::log, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() / d.input(0); }), elementwise);
}

Tensor expm1(const Tensor& x) {
  // d/dx (e^x - 1) = e^x, which y + 1 would round to 0 far below 0
  return record("expm1", kernels::unary(Unary::expm1, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() * exp(d.input(0)); }), elementwise);
}

Tensor log1p(const Tensor& x) {
  return record("log1p", kernels::unary(Unary::log1p, x), {x}, save_inputs,
                each([](const Backward& d) { return d.grad() / (d.input(0) + 1.0); }), elementwise);
}

Tensor erf(const Tensor& x) {
  // d/dx erf(x) = 2/sqrt(pi) exp(-x^2)
  return record("erf", kernels::unary(Unary::erf, x), {x}, save_inputs, each([](const Backward& d) {
                  // 0 from far before the bounds on; they keep 0 * infinity out of the second derivative.
                  const Tensor v = clamp(d.input(0), -1e4, 1e4);
                  return d.grad() * exp(-square(v)) * (2 * std::numbers::inv_sqrtpi);
                }),
                elementwise);
}

Tensor clamp(const Tensor& x, std::optional<double> lower, std::optional<double> upper) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double low = lower.value_or(-infinity), high = upper.value_or(infinity);
  check<ConfigError>(low <= high, "[clamp] the lower bound ", low, " is above the upper bound ", high);
  return record("clamp", kernels::unary(Unary::clamp, x, low, high), {x}, save_inputs, each([=](const Backward& d) {
                  const Tensor v = d.input(0), zero = scalar(0, v.dtype());
                  const Tensor above_low = where(greater_equal(v, scalar(low, v.dtype())), d.grad(), zero);
                  return where(less_equal(v, scalar(high, v.dtype())), above_low, zero);
                }),
                elementwise);
}

}  // namespace ditharos
