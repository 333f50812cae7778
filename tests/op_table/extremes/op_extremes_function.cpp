// Extreme inputs of functions of one variable and of activations: tails until underflow, infinities, kinks, large and
// tiny arguments.
#include <cmath>
#include <numbers>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/extremes/op_extremes.h"

namespace ditharos::tests {
namespace {

constexpr Real pi = std::numbers::pi_v<Real>;

Real zero(Real) { return 0; }
Real step(Real x) { return x > 0; }
/// x e^-x and the like are 0 at infinity.
Real times(Real x, Real decay) { return decay == 0 ? 0 : x * decay; }

Real logistic(Real x) { return 1 / (1 + std::exp(-x)); }
/// s(x) s(-x), the derivative of the logistic function, without 1 - s.
Real logistic_slope(Real x) {
  const Real e = std::exp(-std::abs(x));
  return e / ((1 + e) * (1 + e));
}
Real logistic_curvature(Real x) { return -logistic_slope(x) * std::tanh(x / 2); }
Real softplus_of(Real x) { return (x > 0 ? x : 0) + std::log1p(std::exp(-std::abs(x))); }
Real tanh_slope(Real x) { return 4 * logistic_slope(2 * x); }

Real silu_of(Real x) { return times(x, logistic(x)); }
Real silu_slope(Real x) { return logistic(x) + times(x, logistic_slope(x)); }
Real silu_curvature(Real x) { return 2 * logistic_slope(x) + times(x, logistic_curvature(x)); }

Real normal_density(Real x) { return std::exp(-x * x / 2) / std::sqrt(2 * pi); }
Real phi_integral(Real x) { return std::erfc(-x / std::sqrt(Real(2))) / 2; }
Real gelu_of(Real x) { return times(x, phi_integral(x)); }
Real gelu_slope(Real x) { return phi_integral(x) + times(x, normal_density(x)); }
Real gelu_curvature(Real x) { return normal_density(x) == 0 ? 0 : normal_density(x) * (2 - x * x); }

// gelu_tanh(x) = x s(w) with w = 2 sqrt(2/pi) (x + 0.044715 x^3).
Real inner(Real x) { return 2 * std::sqrt(2 / pi) * (x + .044715L * x * x * x); }
Real inner_slope(Real x) { return 2 * std::sqrt(2 / pi) * (1 + 3 * .044715L * x * x); }
Real inner_curvature(Real x) { return 2 * std::sqrt(2 / pi) * 6 * .044715L * x; }
Real gelu_tanh_of(Real x) { return times(x, logistic(inner(x))); }
Real gelu_tanh_slope(Real x) {
  const Real decay = logistic_slope(inner(x));
  return logistic(inner(x)) + (decay == 0 ? 0 : x * decay * inner_slope(x));
}
Real gelu_tanh_curvature(Real x) {
  const Real w = inner(x), decay = logistic_slope(w), d = inner_slope(x);
  return decay == 0 ? 0 : 2 * decay * d + x * (logistic_curvature(w) * d * d + decay * inner_curvature(x));
}

void add_tails(Rows& rows) {
  const std::vector<double> far = {-infinite, -700, -88, -60, -40, -37, -18, -9, -3, -1,  -.5,     .5,
                                   1,         3,    9,   17,  18,  37,  40,  60, 88, 700, infinite};
  add_extremes(rows, "sigmoid", {points("tails", far, logistic, logistic_slope, logistic_curvature)});
  std::vector<double> near_zero = {-1e-3, -1e-6, 1e-6, 1e-3};
  near_zero.insert(near_zero.end(), far.begin(), far.end());
  add_extremes(rows, "tanh",
               {points(
                   "tails", near_zero, [](Real x) { return std::tanh(x); }, tanh_slope,
                   [](Real x) { return -2 * std::tanh(x) * tanh_slope(x); })});
  add_extremes(rows, "softplus", {points("tails", far, softplus_of, logistic, logistic_slope)});
  add_extremes(rows, "silu",
               {points("tails", {-infinite, -80, -40.41, -30, -18, -9, -3, 3, 9, 18, 30, 40.41, 80, 1e10, infinite},
                       silu_of, silu_slope, silu_curvature)});
  add_extremes(rows, "gelu",
               {points("tails", {-infinite, -1e10, -12, -9, -5, -3, 3, 5, 9, 12, 1e10, infinite}, gelu_of, gelu_slope,
                       gelu_curvature)});
  add_extremes(rows, "normal_cdf",
               {points("tails", {-infinite, -12, -9, -5, 5, 9, 12, infinite}, phi_integral, normal_density,
                       [](Real x) { return times(-x, normal_density(x)); })});
  // In f32 the exponent w, of 60 and more, is rounded to 4e-6.
  Extreme tails = points("tails", {-infinite, -1e10, -6, -5, -4, -3, 3, 4, 5, 6, 1e10, infinite}, gelu_tanh_of,
                         gelu_tanh_slope, gelu_tanh_curvature);
  tails.tolerance32 = 5e-5;
  add_extremes(rows, "gelu_tanh", {tails});
  const Real c = 2 / std::sqrt(pi);
  add_extremes(
      rows, "erf",
      {points(
          "tails", {-infinite, -8, -5, -2, -1e-10, 1e-10, 2, 5, 8, infinite}, [](Real x) { return std::erf(x); },
          [=](Real x) { return c * std::exp(-x * x); }, [=](Real x) { return times(-2 * c * x, std::exp(-x * x)); })});
  add_extremes(rows, "elu",
               {points(
                   "tails and infinities", {-infinite, -100, -40, -1e-10, 1e-10, 40, 1e30, infinite},
                   [](Real x) { return x > 0 ? x : 1.5L * std::expm1(x); },
                   [](Real x) { return x > 0 ? 1 : 1.5L * std::exp(x); },
                   [](Real x) { return x > 0 ? 0 : 1.5L * std::exp(x); })});
}

void add_exponentials(Rows& rows) {
  const auto exp_of = [](Real x) { return std::exp(x); };
  add_extremes(
      rows, "exp",
      {points("tails and infinities", {-infinite, -1000, -80, -40, 40, 80, 1000, infinite}, exp_of, exp_of, exp_of)});
  add_extremes(rows, "expm1",
               {points(
                   "tails and infinities", {-infinite, -80, -40, -17, -1e-10, 1e-10, 40, 80, infinite},
                   [](Real x) { return std::expm1(x); }, exp_of, exp_of)});
  add_extremes(rows, "log",
               {points(
                   "near 0 and infinity", {0, 1e-30, 1e-10, 1e10, 1e30, infinite}, [](Real x) { return std::log(x); },
                   [](Real x) { return 1 / x; }, [](Real x) { return -1 / (x * x); })});
  add_extremes(rows, "log1p",
               {points(
                   "near -1, 0 and infinity", {-1, -.9999999403953552, -1e-20, 0, 1e-20, 1e10, infinite},
                   [](Real x) { return std::log1p(x); }, [](Real x) { return 1 / (1 + x); },
                   [](Real x) { return -1 / ((1 + x) * (1 + x)); })});
}

void add_powers(Rows& rows) {
  const std::vector<double> wide = {0, 1e-30, 1e-18, 1e18, 1e30, infinite};
  add_extremes(rows, "sqrt",
               {points(
                   "wide range", {0, 1e-30, 1e-18, 1e18, 1e30, infinite}, [](Real x) { return std::sqrt(x); },
                   [](Real x) { return 1 / (2 * std::sqrt(x)); }, [](Real x) { return -1 / (4 * x * std::sqrt(x)); })});
  add_extremes(
      rows, "rsqrt",
      {points(
          "wide range", {0, 1e-18, 1e-10, 1e10, 1e18, infinite}, [](Real x) { return 1 / std::sqrt(x); },
          [](Real x) { return -1 / (2 * x * std::sqrt(x)); }, [](Real x) { return 3 / (4 * x * x * std::sqrt(x)); })});
  add_extremes(rows, "reciprocal",
               {points(
                   "wide range", {0, 1e-18, -1e-10, 1e10, -1e12, 1e18, infinite}, [](Real x) { return 1 / x; },
                   [](Real x) { return -1 / (x * x); }, [](Real x) { return 2 / (x * x * x); })});
  add_extremes(rows, "square",
               {points(
                   "wide range", {-infinite, -1e10, -1e-10, 0, 1e-30, 1e18, 1e30, infinite},
                   [](Real x) { return x * x; }, [](Real x) { return 2 * x; }, [](Real) { return 2; })});
  const auto power = [](double p) {
    return with_op(
        points(
            "power " + std::to_string(p), {0, 1e-10, 1e10, infinite}, [p](Real x) { return std::pow(x, Real(p)); },
            [p](Real x) { return p == 0 ? 0 : p * std::pow(x, Real(p) - 1); },
            [p](Real x) { return p * (p - 1) == 0 ? 0 : p * (p - 1) * std::pow(x, Real(p) - 2); }),
        [p](const Tensors& in) { return pow(in[0], p); });
  };
  add_extremes(rows, "pow", {power(0), power(1), power(2), power(3), power(.5), power(-1), power(1.5)});
}

void add_circular(Rows& rows) {
  const auto sin_of = [](Real x) { return std::sin(x); };
  const auto cos_of = [](Real x) { return std::cos(x); };
  const auto minus_sin = [](Real x) { return -std::sin(x); };
  const auto minus_cos = [](Real x) { return -std::cos(x); };
  const std::vector<double> turns = {-1e6, -1e-20, 0, 1e-20, 1e6, infinite};
  add_extremes(rows, "sin", {points("many turns and infinity", turns, sin_of, cos_of, minus_sin)});
  add_extremes(rows, "cos", {points("many turns and infinity", turns, cos_of, minus_sin, minus_cos)});
  add_extremes(rows, "tan",
               {points(
                   "near a pole and 0", {-1e-10, 0, 1e-10, 1.5, 1.57}, [](Real x) { return std::tan(x); },
                   [](Real x) { return 1 + std::tan(x) * std::tan(x); },
                   [](Real x) { return 2 * std::tan(x) * (1 + std::tan(x) * std::tan(x)); })});
  // 1 - x^2 as (1 - x)(1 + x): the square would be rounded next to 1.
  const auto slope = [](Real x) { return 1 / std::sqrt((1 - x) * (1 + x)); };
  const auto curvature = [slope](Real x) { return x * slope(x) * slope(x) * slope(x); };
  const std::vector<double> to_one = {-1, -.99999988079071045, -1e-10, 0, 1e-10, .9999, .99999988079071045, 1};
  std::vector<double> inside(to_one.begin() + 1, to_one.end() - 1);
  add_extremes(rows, "asin",
               {points(
                    "up to 1", to_one, [](Real x) { return std::asin(x); }, slope),
                points("near 1", inside, [](Real x) { return std::asin(x); }, slope, curvature)});
  add_extremes(rows, "acos",
               {points(
                    "up to 1", to_one, [](Real x) { return std::acos(x); }, [slope](Real x) { return -slope(x); }),
                points(
                    "near 1", inside, [](Real x) { return std::acos(x); }, [slope](Real x) { return -slope(x); },
                    [curvature](Real x) { return -curvature(x); })});
  const auto atan_slope = [](Real x) { return 1 / (1 + x * x); };
  add_extremes(rows, "atan",
               {points(
                    "far out", {-infinite, -1e18, -1e5, -1e-10, 1e-10, 1e5, 1e18, infinite},
                    [](Real x) { return std::atan(x); }, atan_slope),
                points(
                    "curvature", {-1e8, -1e-10, 1e-10, 1e8}, [](Real x) { return std::atan(x); }, atan_slope,
                    [=](Real x) { return -2 * x * atan_slope(x) * atan_slope(x); })});
  const auto sinh_of = [](Real x) { return std::sinh(x); };
  const auto cosh_of = [](Real x) { return std::cosh(x); };
  const std::vector<double> wide = {-infinite, -80, -1e-10, 1e-10, 80, infinite};
  add_extremes(rows, "sinh", {points("tails and infinities", wide, sinh_of, cosh_of, sinh_of)});
  add_extremes(rows, "cosh", {points("tails and infinities", wide, cosh_of, sinh_of, cosh_of)});
}

void add_kinks(Rows& rows) {
  const std::vector<double> wide = {-infinite, -1e30, -1e-30, 0, 1e-30, 1e30, infinite};
  add_extremes(rows, "abs",
               {points(
                   "kink and infinities", wide, [](Real x) { return std::abs(x); },
                   [](Real x) { return Real((x > 0) - (x < 0)); }, zero)});
  add_extremes(rows, "sign",
               {points("step and infinities", wide, [](Real x) { return Real((x > 0) - (x < 0)); }, zero, zero)});
  add_extremes(rows, "floor", {points("steps and infinities", wide, [](Real x) { return std::floor(x); }, zero, zero)});
  add_extremes(rows, "ceil", {points("steps and infinities", wide, [](Real x) { return std::ceil(x); }, zero, zero)});
  add_extremes(rows, "round",
               {points(
                   "halves and infinities", {-infinite, -2.5, -.5, .5, 1.5, 8388609, infinite},
                   [](Real x) { return std::nearbyint(x); }, zero, zero)});
  add_extremes(rows, "relu", {points("kink and infinities", wide, [](Real x) { return x > 0 ? x : 0; }, step, zero)});
  add_extremes(rows, "leaky_relu",
               {points(
                   "kink and infinities", wide, [](Real x) { return x > 0 ? x : Real(.2) * x; },
                   [](Real x) { return x > 0 ? 1 : Real(.2); }, zero)});
  add_extremes(
      rows, "clamp",
      {points(
          "bounds and infinities", {-infinite, -1e30, -1, 1, 1e30, infinite},
          [](Real x) { return x < -1  ? -1
                              : x > 1 ? 1
                                      : x; }, [](Real x) { return Real(x >= -1 && x <= 1); }, zero)});
  // x tanh(1), computed again in the backward pass.
  add_extremes(rows, "checkpoint",
               {{"infinities", {line({infinite, -infinite, 1e30}), line({1, 1, 1})}, [](const Arrays& in) {
                   const auto t = [](double y) { return std::tanh(y); };
                   const auto product = [](double a, double b) { return a * b; };
                   const auto slope = [](double y) { return double(tanh_slope(y)); };
                   return Answer{zip(in[0], map(in[1], t), product),
                                 {map(in[1], t), zip(in[0], map(in[1], slope), product)}};
                 }}});
}

}  // namespace

void add_function_extremes(Rows& rows) {
  add_tails(rows);
  add_exponentials(rows);
  add_powers(rows);
  add_circular(rows);
  add_kinks(rows);
}

}  // namespace ditharos::tests
