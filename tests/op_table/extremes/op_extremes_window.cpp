// Extreme inputs of pooling along one and three axes.
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/extremes/op_extremes.h"

namespace ditharos::tests {
namespace {

/// Two elements along the last of so many spatial axes.
Array pair_of(int axes, double a, double b) {
  Shape shape = Shape::filled(axes + 2, 1);
  shape[axes + 1] = 2;
  return reshaped(line({a, b}), shape);
}
Array one_of(int axes, double v) { return Array(Shape::filled(axes + 2, 1), v); }

}  // namespace

void add_window_extremes(Rows& rows) {
  for (int axes = 1; axes <= 3; ++axes) {
    const std::string d = std::to_string(axes) + "d";
    const Extreme tie = stated("ties: the first one", {pair_of(axes, 5, 5)}, one_of(axes, 5), {pair_of(axes, 1, 0)});
    const Extreme lowest = stated("minus infinity is an element", {pair_of(axes, -infinite, -infinite)},
                                  one_of(axes, -infinite), {pair_of(axes, 1, 0)});
    const Extreme unknown = stated("NaN: the first one", {pair_of(axes, not_a_number, not_a_number)},
                                   one_of(axes, not_a_number), {pair_of(axes, 1, 0)});
    const Extreme high = stated("infinity", {pair_of(axes, infinite, 1)}, one_of(axes, infinite),
                                {pair_of(axes, .5, .5)}, {pair_of(axes, 0, 0)});
    const auto over_two = [axes](const Tensors& in, const auto& a, const auto& b, const auto& c) {
      if (axes == 1) return a(in[0], PerAxis{2});
      return axes == 2 ? b(in[0], PerAxis{1, 2}) : c(in[0], PerAxis{1, 1, 2});
    };
    const auto largest = [=](const Tensors& in) {
      return over_two(
          in, [](const Tensor& x, const PerAxis& k) { return max_pool1d(x, k); },
          [](const Tensor& x, const PerAxis& k) { return max_pool2d(x, k); },
          [](const Tensor& x, const PerAxis& k) { return max_pool3d(x, k); });
    };
    const auto largest_of_all = [axes](const Tensors& in) {
      return axes == 1   ? adaptive_max_pool1d(in[0], 1)
             : axes == 2 ? adaptive_max_pool2d(in[0], 1)
                         : adaptive_max_pool3d(in[0], 1);
    };
    const std::vector<Extreme> of_window{with_op(tie, largest), with_op(lowest, largest), with_op(unknown, largest)};
    if (axes != 2) add_extremes(rows, "max_pool" + d, of_window);
    add_extremes(rows, "adaptive_max_pool" + d,
                 {with_op(tie, largest_of_all), with_op(lowest, largest_of_all), with_op(unknown, largest_of_all)});
    if (axes != 2) {
      add_extremes(rows, "avg_pool" + d, {with_op(high, [=](const Tensors& in) {
                     return over_two(
                         in, [](const Tensor& x, const PerAxis& k) { return avg_pool1d(x, k); },
                         [](const Tensor& x, const PerAxis& k) { return avg_pool2d(x, k); },
                         [](const Tensor& x, const PerAxis& k) { return avg_pool3d(x, k); });
                   })});
      add_extremes(rows, "adaptive_avg_pool" + d, {with_op(high, [axes](const Tensors& in) {
                     return axes == 1 ? adaptive_avg_pool1d(in[0], 1) : adaptive_avg_pool3d(in[0], 1);
                   })});
    }
    no_extremes(rows, {"max_pool" + d + "_with_indices", "adaptive_max_pool" + d + "_with_indices"},
                "the maxima of the function without indices");
    no_extremes(rows, {"max_unpool" + d}, "moves elements among zeros");
  }
}

}  // namespace ditharos::tests
