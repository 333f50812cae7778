// Extreme inputs of arithmetic, selection, comparisons and masks.
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/extremes/op_extremes.h"

namespace ditharos::tests {
namespace {

/// Of a maximum's gradient: half of it at ties.
Real shared(bool wins, bool ties) { return ties ? Real(.5) : Real(wins); }
Real one(Real, Real) { return 1; }
Real first(Real a, Real) { return a; }
Real second(Real, Real b) { return b; }

void add_operators(Rows& rows) {
  const std::vector<double> left = {infinite, 1e30, -1e30, 1e-30, 0}, right = {1, -1e30, 1e-30, 1e-30, infinite};
  add_extremes(rows, "+",
               {pairs("infinities and large scales", left, right, [](Real a, Real b) { return a + b; }, one, one)});
  add_extremes(rows, "-",
               {pairs(
                   "infinities and large scales", left, right, [](Real a, Real b) { return a - b; }, one,
                   [](Real, Real) -> Real { return -1; })});
  add_extremes(rows, "*",
               {pairs(
                   "infinities and large scales", {infinite, 1e18, -1e-18, 0}, {-2, 1e18, 1e-10, 1e30},
                   [](Real a, Real b) { return a * b; }, second, first)});
  add_extremes(rows, "/",
               {pairs(
                   "infinities and large scales", {infinite, 1, 1e18, 0, -1e-10, 1},
                   {-2, infinite, 1e-5, 1e30, 1e10, 0}, [](Real a, Real b) { return a / b; },
                   [](Real, Real b) { return 1 / b; }, [](Real a, Real b) { return -a / b / b; })});
  const std::vector<double> a = {infinite, -infinite, 2, 0, 1e30}, b = {infinite, 0, 2, -0., -1e30};
  add_extremes(
      rows, "maximum",
      {pairs(
          "ties and infinities", a, b, [](Real x, Real y) { return x > y ? x : y; },
          [](Real x, Real y) { return shared(x > y, x == y); }, [](Real x, Real y) { return shared(y > x, x == y); })});
  add_extremes(
      rows, "minimum",
      {pairs(
          "ties and infinities", a, b, [](Real x, Real y) { return x < y ? x : y; },
          [](Real x, Real y) { return shared(x < y, x == y); }, [](Real x, Real y) { return shared(y < x, x == y); })});
  // 0^b stays 0 as b grows: the exponent's gradient is 0 there.
  add_extremes(rows, "pow",
               {pairs(
                   "zeros and infinities", {0, 0, 1e10, infinite, 1e-10}, {0, 2, 0, 2, 3},
                   [](Real x, Real y) { return std::pow(x, y); },
                   [](Real x, Real y) { return y == 0 ? 0 : y * std::pow(x, y - 1); },
                   [](Real x, Real y) { return x == 0 ? 0 : std::pow(x, y) * std::log(x); })});
}

void add_numbers(Rows& rows) {
  const std::vector<double> wide = {-infinite, -1e30, -1e-30, 0, 1e-30, 1e30, infinite};
  const auto add = [&](const char* name, Formula f, Real slope) {
    add_extremes(
        rows, name,
        {points("infinities and large scales", wide, f, [=](Real) { return slope; }, [](Real) -> Real { return 0; })});
  };
  add("tensor + number", [](Real x) { return x + 3; }, 1);
  add("tensor - number", [](Real x) { return x - 3; }, 1);
  add("tensor * number", [](Real x) { return x * -3; }, -3);
  add("tensor / number", [](Real x) { return x / 1.5L; }, 1 / 1.5L);
  add("number + tensor", [](Real x) { return 3 + x; }, 1);
  add("number - tensor", [](Real x) { return 3 - x; }, -1);
  add("number * tensor", [](Real x) { return -3 * x; }, -3);
  add("-tensor", [](Real x) { return -x; }, -1);
  add_extremes(rows, "number / tensor",
               {points(
                   "zero, infinity and wide range", {0, 1e-15, 1e-10, 1e10, infinite}, [](Real x) { return 1.5L / x; },
                   [](Real x) { return -1.5L / (x * x); }, [](Real x) { return 3 / (x * x * x); })});
}

void add_comparisons(Rows& rows) {
  const auto add = [&](const char* name, Pair f) {
    add_extremes(rows, name,
                 {pairs("ties, infinities and NaN", {infinite, -infinite, 0, not_a_number, 1, not_a_number},
                        {infinite, infinite, -0., not_a_number, not_a_number, 1}, f, nullptr, nullptr)});
  };
  add("equal", [](Real a, Real b) { return Real(a == b); });
  add("not_equal", [](Real a, Real b) { return Real(a != b); });
  add("less", [](Real a, Real b) { return Real(a < b); });
  add("less_equal", [](Real a, Real b) { return Real(a <= b); });
  add("greater", [](Real a, Real b) { return Real(a > b); });
  add("greater_equal", [](Real a, Real b) { return Real(a >= b); });
}

/// What is masked out contributes nothing: neither to the value nor to a gradient.
void add_masks(Rows& rows) {
  const Array x = line({infinite, 2, not_a_number, 4}), y = line({1, not_a_number, 3, -infinite});
  const auto mask = [] { return greater(from_vector<float>({1, 0, 0, 1}), zeros({4})); };
  const Array taken = line({1, 0, 0, 1}), left = line({0, 1, 1, 0}), none = line({0, 0, 0, 0});
  add_extremes(rows, "where",
               {with_op(stated("infinities and NaN in the branch that is not taken", {x, y},
                               line({infinite, not_a_number, 3, 4}), {taken, left}, {none, none}),
                        [=](const Tensors& in) { return where(mask(), in[0], in[1]); })});
  Extreme gradient =
      with_op(stated("NaN in the gradient of the branch that is not taken", {line({1, 2, 3, 4}), y},
                     line({1, not_a_number, 3, 4}), {line({1, 0, 0, infinite}), line({0, not_a_number, -infinite, 0})}),
              [=](const Tensors& in) { return where(mask(), in[0], in[1]); });
  gradient.cotangent = line({1, not_a_number, -infinite, infinite});
  add_extremes(rows, "where", {gradient});
  add_extremes(rows, "masked_fill",
               {with_op(stated("infinities and NaN behind the mask", {line({infinite, 2, 3, not_a_number})},
                               line({1, 2, 3, 1}), {left}, {none}),
                        [=](const Tensors& in) { return masked_fill(in[0], mask(), 1); })});
  add_extremes(rows, "masked_select",
               {with_op(stated("NaN behind the mask", {x}, line({infinite, 4}), {taken}, {none}),
                        [=](const Tensors& in) { return masked_select(in[0], mask()); })});
  const Array lower = grid(2, 2, {1, infinite, 3, 4}), upper = grid(2, 2, {1, 2, not_a_number, 4});
  add_extremes(rows, "tril",
               {stated("infinity above the diagonal", {lower}, grid(2, 2, {1, 0, 3, 4}), {grid(2, 2, {1, 0, 1, 1})},
                       {grid(2, 2, {0, 0, 0, 0})})});
  add_extremes(rows, "triu",
               {stated("NaN below the diagonal", {upper}, grid(2, 2, {1, 2, 0, 4}), {grid(2, 2, {1, 1, 0, 1})},
                       {grid(2, 2, {0, 0, 0, 0})})});
  no_extremes(rows, {"logical_and", "logical_or", "logical_xor", "logical_not"}, "booleans have no extremes");
}

}  // namespace

void add_arithmetic_extremes(Rows& rows) {
  add_operators(rows);
  add_numbers(rows);
  add_comparisons(rows);
  add_masks(rows);
}

}  // namespace ditharos::tests
