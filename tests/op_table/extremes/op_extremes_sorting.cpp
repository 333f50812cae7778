// Extreme inputs of sorting, ranks and scans: NaN, infinities, ties, zeros.
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/extremes/op_extremes.h"

namespace ditharos::tests {
namespace {

using Op = std::function<Tensor(const Tensors&)>;

void add_orders(Rows& rows) {
  // NaN is larger than infinity; equal elements keep their order.
  const Array x = line({2, not_a_number, -infinite, 2, infinite, -0., 0});
  const auto stated_as = [&](const char* name, Array value, Array gradient, Op op) {
    add_extremes(
        rows, name,
        {with_op(stated("NaN, infinities and ties", {x}, std::move(value), {std::move(gradient)}), std::move(op))});
  };
  const auto indices = [&](const char* name, Array value, Op op) {
    add_extremes(rows, name, {with_op(stated("NaN, infinities and ties", {x}, std::move(value), {}), std::move(op))});
  };
  const Array all = line({1, 1, 1, 1, 1, 1, 1});
  stated_as("sort", line({-infinite, 0, 0, 2, 2, infinite, not_a_number}), all,
            [](const Tensors& in) { return sort(in[0]).values; });
  indices("argsort", line({2, 5, 6, 0, 3, 4, 1}), [](const Tensors& in) { return argsort(in[0]); });
  indices("argsort", line({1, 4, 0, 3, 5, 6, 2}), [](const Tensors& in) { return argsort(in[0], 0, true); });
  stated_as("topk", line({not_a_number, infinite, 2}), line({1, 1, 0, 0, 1, 0, 0}),
            [](const Tensors& in) { return topk(in[0], 3).values; });
  Array number = Array(Shape{}, 2);
  stated_as("kthvalue", number, line({1, 0, 0, 0, 0, 0, 0}),
            [](const Tensors& in) { return kthvalue(in[0], 4).values; });
  number.values[0] = not_a_number;
  const Array at_nan = line({0, 1, 0, 0, 0, 0, 0});
  stated_as("median", number, at_nan, [](const Tensors& in) { return median(in[0]); });
  stated_as("quantile", number, at_nan, [](const Tensors& in) { return quantile(in[0], .25); });
  indices("unique", line({-infinite, 0, 2, infinite, not_a_number}),
          [](const Tensors& in) { return unique(in[0]).values; });
  indices("histc", line({0, 2, 2}), [](const Tensors& in) { return histc(clamp_max(in[0], 3), 3, -1, 2); });
  indices("searchsorted", line({3, 5, 0, 3, 4, 1, 1}), [](const Tensors& in) {
    return searchsorted(to(from_vector<double>({-INFINITY, 0, 1, 2, INFINITY}), in[0].dtype()), in[0]);
  });
  no_extremes(rows, {"bucketize"}, "searchsorted() with its operands swapped");
  no_extremes(rows, {"multinomial"}, "weights must be finite");
}

void add_scans(Rows& rows) {
  add_extremes(rows, "cumprod",
               {stated("zeros", {line({2, 0, 3, 0, 5})}, line({2, 0, 0, 0, 0}), {line({1, 8, 0, 0, 0})})});
  Extreme underflow =
      stated("a product that underflows", {line({1e-30, 1e-30, 1})}, line({1e-30, 0, 0}), {line({1, 2e-30, 0})});
  underflow.only = DType::f32;
  add_extremes(rows, "cumprod", {underflow});
  // In f32, sums near 1000 are rounded to 6e-5.
  Extreme large =
      with_op(stated("large numbers and minus infinity", {line({-infinite, 1000, 1000, -1e4})},
                     line({-infinite, 1000, 1000 + std::log(2.), 1000 + std::log(2.)}), {line({0, 2, 1, 0})}),
              [](const Tensors& in) { return logcumsumexp(in[0], 0); });
  large.tolerance32 = 1e-4;
  add_extremes(rows, "logcumsumexp", {large});
  const Array x = line({1, 3, 3, not_a_number, infinite});
  add_extremes(
      rows, "cummax",
      {with_op(stated("ties and NaN", {x}, line({1, 3, 3, not_a_number, not_a_number}), {line({1, 1, 1, 2, 0})}),
               [](const Tensors& in) { return cummax(in[0], 0).values; })});
  add_extremes(
      rows, "cummin",
      {with_op(stated("ties and NaN", {x}, line({1, 1, 1, not_a_number, not_a_number}), {line({3, 0, 0, 2, 0})}),
               [](const Tensors& in) { return cummin(in[0], 0).values; })});
  const auto truth = [&](const char* name, double value, Op op) {
    add_extremes(
        rows, name,
        {with_op(stated("NaN and minus 0", {line({not_a_number, -0.})}, Array(Shape{}, value), {}), std::move(op))});
  };
  truth("any", 1, [](const Tensors& in) { return any(in[0]); });
  truth("all", 0, [](const Tensors& in) { return all(in[0]); });
  truth("count_nonzero", 1, [](const Tensors& in) { return count_nonzero(in[0]); });
}

}  // namespace

void add_sorting_extremes(Rows& rows) {
  add_orders(rows);
  add_scans(rows);
}

}  // namespace ditharos::tests
