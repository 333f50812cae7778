// Extreme inputs of special functions, of reductions by index, and of reductions without NaN.
#include <cmath>
#include <numbers>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/extremes/op_extremes.h"
#include "tests/op_table/rows/op_table_special.h"

namespace ditharos::tests {
namespace {

using Op = std::function<Tensor(const Tensors&)>;

void add_functions(Rows& rows) {
  const Real half_root = .5L / std::numbers::inv_sqrtpi_v<Real>;
  const auto slope = [=](Real x) { return half_root * std::exp(erfinv_of(x) * erfinv_of(x)); };
  const Real tiny = 1e-30L;
  add_extremes(rows, "erfinv",
               {points("near 0 and up to the ends", {-.99999988079071045, -.9, -1e-10, double(tiny), .5, .999},
                       erfinv_of, slope, [=](Real x) { return 2 * erfinv_of(x) * slope(x) * slope(x); })});
  add_extremes(rows, "erfinv",
               {points("the ends and beyond", {-1, 1}, erfinv_of, [](Real) -> Real { return INFINITY; })});
  Extreme close = points("closest to 1 in f64", {1 - 1e-15, -(1 - 1e-12)}, erfinv_of, slope);
  close.only = DType::f64;
  add_extremes(rows, "erfinv", {close});

  const auto psi = [](int n) { return [n](Real x) { return std::isinf(x) ? (n == 0 ? x : 0) : polygamma_of(n, x); }; };
  const auto log_gamma = [](Real x) { return std::lgamma(x); };
  const std::vector<double> positive = {1e-30, 1e-8, .03125, 1, 2, 9.9921875, 10, 1e3, 1e8};
  // Not near their zeros, which f32 cannot name.
  const std::vector<double> negative = {-.0009765625, -.25, -1.0625, -2.25, -7.75, -20.25};
  add_extremes(rows, "lgamma",
               {points("from 0 to far out", {1e-30, .5, 3, 1e3, 1e18}, log_gamma, psi(0)),
                points("below 0", negative, log_gamma, psi(0), psi(1))});
  add_extremes(rows, "digamma",
               {points("from 0 to far out", positive, psi(0), psi(1)),
                points("below 0", negative, psi(0), psi(1), psi(2)), points("infinity", {infinite}, psi(0), psi(1))});
  // Between two poles the cotangent is 0, and psi_2(-20.5) = psi_2(21.5).
  Extreme between = stated("between poles", {line({-20.5})}, line({double(polygamma_of(2, 21.5L))}), {});
  add_extremes(rows, "polygamma", {with_op(between, [](const Tensors& in) { return polygamma(2, in[0]); })});
  Extreme root = points("beside the root", {1.46163213253021240234375, 1.4616321449683622}, psi(0), psi(1));
  root.absolute = 1e-15;
  root.only = DType::f64;
  add_extremes(rows, "digamma", {root});
  const auto poles = [&](const char* name, Array value, Op op) {
    Extreme e = stated("poles", {line({0, -1, -5, not_a_number})}, std::move(value), {});
    add_extremes(rows, name, {with_op(e, std::move(op))});
  };
  poles("lgamma", line({infinite, infinite, infinite, not_a_number}), [](const Tensors& in) { return lgamma(in[0]); });
  poles("digamma", line({-infinite, not_a_number, not_a_number, not_a_number}),
        [](const Tensors& in) { return digamma(in[0]); });
  poles("polygamma", line({infinite, infinite, infinite, not_a_number}),
        [](const Tensors& in) { return polygamma(1, in[0]); });
  poles("polygamma", line({-infinite, -infinite, -infinite, not_a_number}),
        [](const Tensors& in) { return polygamma(2, in[0]); });
  for (const int n : {1, 2, 3, 7}) {
    const auto op = [n](const Tensors& in) { return polygamma(n, in[0]); };
    add_extremes(
        rows, "polygamma",
        {with_op(points("from 0 on, order " + std::to_string(n), {.03125, 1, 9.9921875, 10, 1e3}, psi(n), psi(n + 1)),
                 op),
         with_op(points("below 0, order " + std::to_string(n), negative, psi(n), psi(n + 1)), op)});
  }
  no_extremes(rows, {"float_power"}, "pow() of f64");
}

void add_reductions(Rows& rows) {
  const double nan = not_a_number;
  const Array some = line({nan, 3, 1, nan}), none = line({nan, nan});
  const auto add = [&](const char* name, Array x, double value, Array gradient, Op op) {
    add_extremes(rows, name,
                 {with_op(stated("NaN", {std::move(x)}, Array(Shape{}, value), {std::move(gradient)}), std::move(op))});
  };
  const Op sum = [](const Tensors& in) { return nansum(in[0]); };
  add("nansum", some, 4, line({0, 1, 1, 0}), sum);
  add("nansum", none, 0, line({0, 0}), sum);
  const Op mean = [](const Tensors& in) { return nanmean(in[0]); };
  add("nanmean", some, 2, line({0, .5, .5, 0}), mean);
  add("nanmean", none, nan, line({0, 0}), mean);
  const Op middle = [](const Tensors& in) { return nanmedian(in[0]); };
  add("nanmedian", some, 1, line({0, 0, 1, 0}), middle);
  add("nanmedian", none, nan, line({1, 0}), middle);
  add("nanmedian", line({infinite, -infinite, nan, 2}), 2, line({0, 0, 0, 1}), middle);
  const Op frequent = [](const Tensors& in) { return mode(in[0]).values; };
  add("mode", line({nan, 2, nan, 1}), nan, line({0, 0, 1, 0}), frequent);
  add("mode", line({infinite, -0., 0, -infinite}), 0, line({0, 0, 1, 0}), frequent);
}

void add_by_index(Rows& rows) {
  using R = ScatterReduction;
  const auto into_first = [](R reduction, bool include_self) {
    return [=](const Tensors& in) {
      const Tensor index = operand(from_vector<int64_t>({0, 0, 1, 1}));
      return scatter_reduce(in[0], 0, index, in[1], reduction, include_self);
    };
  };
  const double nan = not_a_number;
  const auto add = [&](const char* what, R reduction, bool include_self, Arrays in, Array value, Arrays gradients) {
    add_extremes(rows, "scatter_reduce",
                 {with_op(stated(what, std::move(in), std::move(value), std::move(gradients)),
                          into_first(reduction, include_self))});
  };
  add("ties", R::amax, true, {line({3, 0, 7}), line({3, 3, 2, 2})}, line({3, 2, 7}),
      {line({1 / 3., 0, 1}), line({1 / 3., 1 / 3., .5, .5})});
  add("ties with what is left out", R::amin, false, {line({1, 1, 7}), line({1, 1, 2, 3})}, line({1, 2, 7}),
      {line({0, 0, 1}), line({.5, .5, 1, 0})});
  add("infinities", R::amax, false, {line({0, 0, 7}), line({-infinite, -infinite, infinite, 1})},
      line({-infinite, infinite, 7}), {line({0, 0, 1}), line({.5, .5, 1, 0})});
  add("NaN", R::amax, true, {line({1, nan, 7}), line({nan, 5, 1, 2})}, line({nan, nan, 7}),
      {line({0, 1, 1}), line({1, 0, 0, 0})});
  add("zeros", R::prod, true, {line({2, 0, 7}), line({0, 3, 4, 5})}, line({0, 0, 7}),
      {line({0, 20, 1}), line({6, 0, 0, 0})});
  add("zeros in what is left out", R::prod, false, {line({0, 2, 7}), line({0, 0, 4, 5})}, line({0, 20, 7}),
      {line({0, 0, 1}), line({0, 0, 5, 4})});
  no_extremes(rows, {"index_reduce"}, "scatter_reduce() of slices");
}

}  // namespace

void add_special_extremes(Rows& rows) {
  add_functions(rows);
  add_reductions(rows);
  add_by_index(rows);
}

}  // namespace ditharos::tests
