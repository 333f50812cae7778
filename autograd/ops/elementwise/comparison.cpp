// Comparisons with a number, operators, and tests for special numbers.
#include <limits>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/operands.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/kernels/pointwise/select.h>

namespace ditharos {

using kernels::Binary;
using kernels::Compare;
using kernels::Unary;

namespace {

Tensor compare(const char* name, Compare how, const Tensor& x, double value) {
  const Tensor number = scalar(value, x.dtype());
  // f32 compares with the number that it can hold; an integer that cannot hold the number compares as f64.
  const bool held = is_floating(x.dtype()) || number.item() == value;
  const Tensor result = held ? kernels::compare(how, x, number)
                             : kernels::compare(how, kernels::to(x, DType::f64), scalar(value, DType::f64));
  return not_differentiable(name, result, {x});
}

}  // namespace

Tensor equal(const Tensor& x, double value) { return compare("equal", Compare::eq, x, value); }
Tensor not_equal(const Tensor& x, double value) { return compare("not_equal", Compare::ne, x, value); }
Tensor less(const Tensor& x, double value) { return compare("less", Compare::lt, x, value); }
Tensor less_equal(const Tensor& x, double value) { return compare("less_equal", Compare::le, x, value); }
Tensor greater(const Tensor& x, double value) { return compare("greater", Compare::gt, x, value); }
Tensor greater_equal(const Tensor& x, double value) { return compare("greater_equal", Compare::ge, x, value); }

Tensor operator==(const Tensor& a, const Tensor& b) { return equal(a, b); }
Tensor operator!=(const Tensor& a, const Tensor& b) { return not_equal(a, b); }
Tensor operator<(const Tensor& a, const Tensor& b) { return less(a, b); }
Tensor operator<=(const Tensor& a, const Tensor& b) { return less_equal(a, b); }
Tensor operator>(const Tensor& a, const Tensor& b) { return greater(a, b); }
Tensor operator>=(const Tensor& a, const Tensor& b) { return greater_equal(a, b); }
Tensor operator==(const Tensor& a, double b) { return equal(a, b); }
Tensor operator!=(const Tensor& a, double b) { return not_equal(a, b); }
Tensor operator<(const Tensor& a, double b) { return less(a, b); }
Tensor operator<=(const Tensor& a, double b) { return less_equal(a, b); }
Tensor operator>(const Tensor& a, double b) { return greater(a, b); }
Tensor operator>=(const Tensor& a, double b) { return greater_equal(a, b); }
Tensor operator==(double a, const Tensor& b) { return equal(b, a); }
Tensor operator!=(double a, const Tensor& b) { return not_equal(b, a); }
Tensor operator<(double a, const Tensor& b) { return greater(b, a); }
Tensor operator<=(double a, const Tensor& b) { return greater_equal(b, a); }
Tensor operator>(double a, const Tensor& b) { return less(b, a); }
Tensor operator>=(double a, const Tensor& b) { return less_equal(b, a); }

namespace {

void check_bits(const char* op, const Tensor& x) {
  check<DTypeError>(!is_floating(x.dtype()), "[", op, "] works on booleans and integers, got ", x.dtype());
}

/// Bit by bit; booleans by `logic`.
Tensor bitwise(const char* name, Binary f, Tensor (*logic)(const Tensor&, const Tensor&), const Tensor& a,
               const Tensor& b) {
  check_bits(name, a);
  check_elementwise(name, a, {b});
  return not_differentiable(name, a.dtype() == DType::boolean ? logic(a, b) : kernels::binary(f, a, b), {a, b});
}

}  // namespace

Tensor bitwise_and(const Tensor& a, const Tensor& b) {
  return bitwise("bitwise_and", Binary::bitwise_and, logical_and, a, b);
}
Tensor bitwise_or(const Tensor& a, const Tensor& b) {
  return bitwise("bitwise_or", Binary::bitwise_or, logical_or, a, b);
}
Tensor bitwise_xor(const Tensor& a, const Tensor& b) {
  return bitwise("bitwise_xor", Binary::bitwise_xor, logical_xor, a, b);
}
Tensor bitwise_not(const Tensor& x) {
  check_bits("bitwise_not", x);
  return not_differentiable("bitwise_not",
                            x.dtype() == DType::boolean ? logical_not(x) : kernels::unary(Unary::bitwise_not, x), {x});
}
Tensor operator&(const Tensor& a, const Tensor& b) { return bitwise_and(a, b); }
Tensor operator|(const Tensor& a, const Tensor& b) { return bitwise_or(a, b); }
Tensor operator^(const Tensor& a, const Tensor& b) { return bitwise_xor(a, b); }
Tensor operator~(const Tensor& x) { return bitwise_not(x); }

namespace {
/// |x| compared with infinity.
Tensor compare_with_infinity(Compare how, const Tensor& x) {
  const Tensor v = is_reduced_floating(x.dtype()) ? kernels::to(x, DType::f32) : x;
  return kernels::compare(how, kernels::unary(Unary::abs, v),
                          scalar(std::numeric_limits<double>::infinity(), v.dtype()));
}
}  // namespace

Tensor isnan(const Tensor& x) { return not_differentiable("isnan", kernels::compare(Compare::ne, x, x), {x}); }
Tensor isinf(const Tensor& x) {
  return not_differentiable(
      "isinf", is_floating(x.dtype()) ? compare_with_infinity(Compare::eq, x) : zeros(x.shape(), DType::boolean), {x});
}
Tensor isfinite(const Tensor& x) {
  return not_differentiable(
      "isfinite", is_floating(x.dtype()) ? compare_with_infinity(Compare::lt, x) : ones(x.shape(), DType::boolean),
      {x});
}

namespace {
Tensor close(const char* op, const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  check<ConfigError>(rtol >= 0 && atol >= 0, "[", op, "] tolerances cannot be negative, got ", rtol, " and ", atol);
  check_elementwise(op, a, {b});
  const NoGrad guard;
  if (!is_floating(a.dtype())) return close(op, to(a, DType::f64), to(b, DType::f64), rtol, atol, equal_nan);
  if (is_reduced_floating(a.dtype())) return close(op, to(a, DType::f32), to(b, DType::f32), rtol, atol, equal_nan);
  // An infinite b would allow every difference.
  const Tensor near = logical_and(less_equal(abs(a - b), abs(b) * rtol + atol), isfinite(b));
  const Tensor result = logical_or(near, equal(a, b));
  return equal_nan ? logical_or(result, logical_and(isnan(a), isnan(b))) : result;
}
}  // namespace

Tensor isclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  return not_differentiable("isclose", close("isclose", a, b, rtol, atol, equal_nan), {a, b});
}
bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol, bool equal_nan) {
  return all(close("allclose", a, b, rtol, atol, equal_nan)).item() != 0;
}

}  // namespace ditharos
