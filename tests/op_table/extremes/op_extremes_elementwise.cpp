// Extreme inputs of the elementwise operations of autograd/ops/elementwise/.
#include <cmath>
#include <numbers>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/extremes/op_extremes.h"

namespace ditharos::tests {
namespace {

constexpr Real ln2 = std::numbers::ln2_v<Real>, ln10 = std::numbers::ln10_v<Real>;

Real zero(Real) { return 0; }
Real logistic(Real x) { return 1 / (1 + std::exp(-x)); }
Real logistic_slope(Real x) {
  const Real e = std::exp(-std::abs(x));
  return e / ((1 + e) * (1 + e));
}
Real one(Real, Real) { return 1; }

void add_functions(Rows& rows) {
  add_extremes(rows, "exp2",
               {points(
                   "tails and infinities", {-infinite, -1200, -100, -1, 1, 100, 1200, infinite},
                   [](Real x) { return std::exp2(x); }, [](Real x) { return std::exp2(x) * ln2; },
                   [](Real x) { return std::exp2(x) * ln2 * ln2; })});
  const std::vector<double> positive = {0, 1e-30, 1e-10, 1e10, 1e30, infinite};
  add_extremes(rows, "log2",
               {points(
                   "near 0 and infinity", positive, [](Real x) { return std::log2(x); },
                   [](Real x) { return 1 / (x * ln2); }, [](Real x) { return -1 / (x * x * ln2); })});
  add_extremes(rows, "log10",
               {points(
                   "near 0 and infinity", positive, [](Real x) { return std::log10(x); },
                   [](Real x) { return 1 / (x * ln10); }, [](Real x) { return -1 / (x * x * ln10); })});
  add_extremes(rows, "asinh",
               {points(
                   "far out", {-infinite, -1e18, -1e-10, 1e-10, 1e5, 1e18, infinite},
                   [](Real x) { return std::asinh(x); }, [](Real x) { return 1 / std::sqrt(x * x + 1); })});
  add_extremes(rows, "acosh",
               {points(
                   "from 1 on", {1, 1.00000011920928955078125, 10, 1e18, infinite},
                   [](Real x) { return std::acosh(x); }, [](Real x) { return 1 / std::sqrt((x - 1) * (x + 1)); })});
  add_extremes(rows, "atanh",
               {points(
                   "up to 1", {-1, -.99999988079071045, -1e-10, 1e-10, .9999, 1}, [](Real x) { return std::atanh(x); },
                   [](Real x) { return 1 / ((1 - x) * (1 + x)); })});
  const Real c = 2 / std::sqrt(std::numbers::pi_v<Real>);
  add_extremes(rows, "erfc",
               {points(
                   "tails", {-infinite, -8, -2, -1e-10, 1e-10, 2, 5, 8, infinite}, [](Real x) { return std::erfc(x); },
                   [=](Real x) { return -c * std::exp(-x * x); },
                   [=](Real x) { return std::isinf(x) ? 0 : 2 * c * x * std::exp(-x * x); })});
  const std::vector<double> steps = {-1e30, -2.5, -1e-30, 0, .5, 1.5, 1e30};
  add_extremes(rows, "trunc",
               {points(
                   "steps and infinities", {-infinite, -2.5, -1e-30, 0, .5, 1e30, infinite},
                   [](Real x) { return std::trunc(x); }, zero, zero)});
  add_extremes(
      rows, "frac",
      {points("steps", steps, [](Real x) { return x - std::trunc(x); }, [](Real) -> Real { return 1; }, zero)});
}

void add_activations(Rows& rows) {
  const std::vector<double> wide = {-infinite, -1e30, -1, 0, 1.5, 6, 1e30, infinite};
  add_extremes(rows, "hardtanh",
               {points(
                   "bounds and infinities", wide, [](Real x) { return x < -1     ? -1
                                                                      : x > 1.5L ? 1.5L
                                                                                 : x; },
                   [](Real x) { return Real(x > -1 && x < 1.5L); }, zero)});
  add_extremes(rows, "relu6",
               {points(
                   "bounds and infinities", wide, [](Real x) { return x < 0   ? 0
                                                                      : x > 6 ? 6
                                                                              : x; },
                   [](Real x) { return Real(x > 0 && x < 6); }, zero)});
  add_extremes(rows, "hardsigmoid",
               {points(
                   "bounds and infinities", {-infinite, -3, 0, 3, 1e30, infinite},
                   [](Real x) { return x < -3  ? 0
                                       : x > 3 ? 1
                                               : (x + 3) / 6; },
                   [](Real x) { return x > -3 && x < 3 ? 1 / Real(6) : 0; }, zero)});
  add_extremes(rows, "hardswish",
               {points(
                   "infinities", {-infinite, -1e10, -4, 0, 4, 1e10, infinite},
                   [](Real x) { return x < -3  ? 0
                                       : x > 3 ? x
                                               : x * (x + 3) / 6; },
                   [](Real x) { return x < -3  ? 0
                                       : x > 3 ? 1
                                               : x / 3 + .5L; })});
  const auto mish_of = [](Real x) {
    return std::isinf(x) ? (x > 0 ? x : 0) : x * std::tanh(std::log1p(std::exp(-std::abs(x))) + (x > 0 ? x : 0));
  };
  const auto mish_slope = [](Real x) {
    const Real u = std::log1p(std::exp(-std::abs(x))) + (x > 0 ? x : 0), t = std::tanh(u);
    return std::isinf(x) ? Real(x > 0) : t + x * (1 - t * t) * logistic(x);
  };
  add_extremes(rows, "mish",
               {points("tails", {-infinite, -1e10, -50, -9, -1, 1, 9, 50, 1e10, infinite}, mish_of, mish_slope)});
  constexpr Real alpha = 1.6732632423543772848170429916717L, scale = 1.0507009873554804934193349852946L;
  const std::vector<double> far = {-infinite, -100, -40, -1e-10, 1e-10, 40, 1e30, infinite};
  add_extremes(rows, "selu",
               {points(
                   "tails and infinities", far, [=](Real x) { return scale * (x > 0 ? x : alpha * std::expm1(x)); },
                   [=](Real x) { return scale * (x > 0 ? 1 : alpha * std::exp(x)); })});
  add_extremes(rows, "celu",
               {points(
                    "tails and infinities", far, [](Real x) { return x > 0 ? x : 1.5L * std::expm1(x / 1.5L); },
                    [](Real x) { return x > 0 ? 1 : std::exp(x / 1.5L); }),
                stated("NaN", {line({not_a_number, 1})}, line({not_a_number, 1}), {line({not_a_number, 1})})});
  add_extremes(rows, "logsigmoid",
               {points(
                   "tails", {-infinite, -700, -40, -1, 1, 40, 700, infinite},
                   [](Real x) { return (x < 0 ? x : 0) - std::log1p(std::exp(-std::abs(x))); },
                   [](Real x) { return logistic(-x); }, [](Real x) { return -logistic_slope(x); })});
  add_extremes(rows, "softsign",
               {points(
                   "far out", {-1e10, -1e-10, 0, 1e-10, 1e10}, [](Real x) { return x / (1 + std::abs(x)); },
                   [](Real x) { return 1 / ((1 + std::abs(x)) * (1 + std::abs(x))); })});
  add_extremes(rows, "tanhshrink",
               {points(
                   "far out", {-infinite, -1e10, -3, 3, 1e10, infinite}, [](Real x) { return x - std::tanh(x); },
                   [](Real x) { return std::tanh(x) * std::tanh(x); })});
  add_extremes(rows, "threshold",
               {points(
                    "the threshold and infinities", {-infinite, .5, 1e30, infinite},
                    [](Real x) { return x > .5L ? x : 1; }, [](Real x) { return Real(x > .5L); }, zero),
                stated("NaN", {line({not_a_number, 0})}, line({not_a_number, 1}), {line({1, 0})})});
  add_extremes(rows, "prelu",
               {stated("infinities", {line({-infinite, infinite, 0}), line({.5})}, line({-infinite, infinite, 0}),
                       {line({.5, 1, .5}), line({-infinite})})});
  add_extremes(rows, "glu",
               {with_op(stated("a closed gate", {line({1e10, 2}), line({-infinite, infinite})}, line({0, 2}),
                               {line({0, 1}), line({0, 0})}),
                        [](const Tensors& in) { return glu(cat({in[0], in[1]})); })});
}

void add_arithmetic(Rows& rows) {
  add_extremes(rows, "atan2",
               {pairs(
                    "large and tiny", {1e30, 1e-30, -3, 1e18}, {1e30, 1e-30, -1e-3, -1e18},
                    [](Real y, Real x) { return std::atan2(y, x); }, [](Real y, Real x) { return x / (x * x + y * y); },
                    [](Real y, Real x) { return -y / (x * x + y * y); }),
                pairs(
                    "the origin and infinities", {0, infinite, 1}, {0, 1, infinite},
                    [](Real y, Real x) { return std::atan2(y, x); }, nullptr, nullptr)});
  add_extremes(rows, "hypot",
               {pairs(
                   "large, tiny and the origin", {1e30, 1e-30, 0, -3e30}, {1e30, -1e-30, 0, 4e30},
                   [](Real a, Real b) { return std::hypot(a, b); },
                   [](Real a, Real b) { return a == 0 ? 0 : a / std::hypot(a, b); },
                   [](Real a, Real b) { return b == 0 ? 0 : b / std::hypot(a, b); })});
  const std::vector<double> a = {7, -7, 7, -7, 1e10, 0}, b = {3, 3, -3, -3, 7, 5};
  const auto floored = [](Real x, Real y) { return std::floor(x / y); };
  add_extremes(rows, "fmod",
               {pairs(
                   "signs", a, b, [](Real x, Real y) { return std::fmod(x, y); }, one,
                   [](Real x, Real y) { return -std::trunc(x / y); })});
  add_extremes(rows, "remainder",
               {pairs(
                   "signs", a, b, [](Real x, Real y) { return x - y * std::floor(x / y); }, one,
                   [](Real x, Real y) { return -std::floor(x / y); })});
  const auto none = [](Real, Real) -> Real { return 0; };
  add_extremes(
      rows, "floor_divide",
      {pairs("signs and infinity", {7, -7, 7, -7, 1e10, 5, 1}, {3, 3, -3, -3, 7, infinite, 0}, floored, none, none)});
  const auto log_sum = [](Real x, Real y) { return std::max(x, y) + std::log1p(std::exp(-std::abs(x - y))); };
  add_extremes(rows, "logaddexp",
               {pairs(
                   "far apart", {1e30, -1e30, 700, 0}, {0, 0, 699, -1e10}, log_sum,
                   [](Real x, Real y) { return logistic(x - y); }, [](Real x, Real y) { return logistic(y - x); })});
  const Array both = line({infinite, -infinite}), half = line({.5, .5});
  add_extremes(rows, "logaddexp", {stated("equal infinities", {both, both}, both, {half, half})});
  add_extremes(rows, "lerp",
               {stated("the ends", {line({1e30, 1}), line({1, 1e30}), line({1, 0})}, line({1, 1}),
                       {line({0, 1}), line({1, 0}), line({-1e30, 1e30})})});
  add_extremes(rows, "addcdiv",
               {stated("a division by infinity", {line({2}), line({3}), line({infinite})}, line({2}),
                       {line({1}), line({0}), line({-0.})})});
  for (const char* name : {"clamp_min", "clamp_max"}) {
    const bool low = std::string(name) == "clamp_min";
    add_extremes(rows, name,
                 {points(
                     "bound and infinities", {-infinite, -1, 1, infinite},
                     [low](Real x) { return low ? (x < -1 ? -1 : x) : (x > 1 ? 1 : x); },
                     [low](Real x) { return Real(low ? x >= -1 : x <= 1); }, zero)});
  }
  add_extremes(rows, "nan_to_num",
               {with_op(stated("NaN and infinities", {line({not_a_number, infinite, -infinite, 2})},
                               line({0, 9, -9, 2}), {line({0, 0, 0, 1})}),
                        [](const Tensors& in) { return nan_to_num(in[0], 0, 9, -9); })});
}

void add_comparisons(Rows& rows) {
  const std::vector<double> a = {infinite, -infinite, 0, not_a_number, 1, not_a_number};
  const std::vector<double> b = {infinite, infinite, -0., not_a_number, not_a_number, 1};
  const auto add = [&](const std::string& sign, Pair f) {
    add_extremes(rows, sign, {pairs("ties, infinities and NaN", a, b, f, nullptr, nullptr)});
  };
  add("==", [](Real x, Real y) { return Real(x == y); });
  add("!=", [](Real x, Real y) { return Real(x != y); });
  add("<", [](Real x, Real y) { return Real(x < y); });
  add("<=", [](Real x, Real y) { return Real(x <= y); });
  add(">", [](Real x, Real y) { return Real(x > y); });
  add(">=", [](Real x, Real y) { return Real(x >= y); });
  for (const char* sign : {"==", "!=", "<", "<=", ">", ">="})
    no_extremes(rows, {std::string("tensor ") + sign + " number", std::string("number ") + sign + " tensor"},
                "compares as the operator for two tensors does");
  const std::vector<double> special = {not_a_number, infinite, -infinite, 0, 1e30};
  const auto flag = [&](const char* name, bool (*f)(Real)) {
    Extreme e = points("special numbers", special, [f](Real x) { return Real(f(x)); }, zero);
    e.answer = [f](const Arrays& in) { return Answer{map(in[0], [f](double x) { return double(f(x)); }), {}}; };
    add_extremes(rows, name, {e});
  };
  flag("isnan", [](Real x) { return x != x; });
  flag("isinf", [](Real x) { return x - x != 0 && x == x; });
  flag("isfinite", [](Real x) { return x - x == 0; });
  const Array left = line({infinite, infinite, 1, not_a_number});
  const Array right = line({infinite, -infinite, infinite, not_a_number});
  add_extremes(rows, "isclose",
               {with_op(stated("infinities and NaN", {left, right}, line({1, 0, 0, 0}), {}),
                        [](const Tensors& in) { return isclose(in[0], in[1]); })});
}

}  // namespace

void add_elementwise_extremes(Rows& rows) {
  add_functions(rows);
  add_activations(rows);
  add_arithmetic(rows);
  add_comparisons(rows);
  add_extremes(
      rows, "cosine_similarity",
      {stated("large and tiny scales", {grid(2, 2, {1e30, 0, 3e-4, 4e-4}), grid(2, 2, {1e30, 1e30, 3e-4, 4e-4})},
              line({std::sqrt(.5), 1}), {})});
}

}  // namespace ditharos::tests
