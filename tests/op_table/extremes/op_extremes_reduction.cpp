// Extreme inputs of reductions: ties, equal elements, infinities, large and tiny scales.
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/extremes/op_extremes.h"

namespace ditharos::tests {
namespace {

using Op = std::function<Tensor(const Tensors&)>;

Array number(double v) { return Array(Shape{}, v); }
Array filled(int64_t n, double v) { return Array(Shape{n}, v); }
/// With this absolute error allowed.
Extreme but_for(double absolute, Extreme e) {
  e.absolute = absolute;
  return e;
}
Real largest_size(const Array& x) {
  Real top = 0;
  for (double v : x.values) top = std::max(top, std::abs(Real(v)));
  return top;
}

/// (sum |x|^p)^(1/p) of everything; its gradient sign(x) (|x| / norm)^(p-1), and 0 where x is 0: the subgradient that
/// the header promises.
Extreme p_norm(const std::string& what, double p, std::vector<double> x) {
  Extreme e;
  e.what = what + ", p = " + std::to_string(p);
  e.inputs = {line(std::move(x))};
  e.op = [p](const Tensors& in) { return norm(in[0], p); };
  e.answer = [p](const Arrays& in) {
    const Real top = largest_size(in[0]), scale = top > 0 ? top : 1;
    Real total = 0;
    for (double v : in[0].values) total += std::pow(std::abs(Real(v)) / scale, Real(p));
    const Real n = scale * std::pow(total, 1 / Real(p));
    const Array slope = map(in[0], [=](double v) {
      return v == 0 ? 0 : double((v > 0 ? 1 : -1) * std::pow(std::abs(Real(v)) / n, Real(p) - 1));
    });
    return Answer{number(double(n)), {slope}};
  };
  return e;
}

Extreme spread(const std::string& what, std::vector<double> x, int64_t correction) {
  Extreme e;
  e.what = what + ", correction " + std::to_string(correction);
  e.inputs = {line(std::move(x))};
  e.op = [=](const Tensors& in) { return standard_deviation(in[0], {}, false, correction); };
  e.answer = [=](const Arrays& in) {
    const Real count = Real(in[0].values.size());
    Real mean = 0, squares = 0;
    for (double v : in[0].values) mean += v;
    mean /= count;  // of equal elements exactly theirs, whatever the precision of long double
    const Real top = std::max(largest_size(in[0]), Real(1e-300L));
    for (double v : in[0].values) squares += (v - mean) / top * ((v - mean) / top);
    const Real s = top * std::sqrt(squares / (count - correction));
    return Answer{number(double(s)),
                  {map(in[0], [=](double v) { return s == 0 ? 0 : double((v - mean) / s / (count - correction)); })}};
  };
  return e;
}

void add_spreads(Rows& rows) {
  for (int64_t correction : {0, 1})
    add_extremes(
        rows, "standard_deviation",
        {spread("large scale", {1e25, -1e25, 0, 1e25}, correction),
         spread("tiny scale", {1e-25, -1e-25, 3e-25}, correction),
         spread("equal elements", std::vector<double>(9, 2.5), correction), spread("zeros", {0, 0, 0}, correction)});
  Extreme e = stated("large scale", {line({1e18, -1e18})}, number(1e36), {line({1e18, -1e18})}, {line({0, 0})});
  add_extremes(rows, "variance", {e, stated("equal elements", {filled(8, -3.5)}, number(0), {filled(8, 0)})});
}

void add_norms(Rows& rows) {
  for (double p : {.5, .75, 1.5, 2., 3.}) {
    add_extremes(rows, "norm",
                 {p_norm("zeros", p, {0, 0, 0}), p_norm("a zero among others", p, {3, 0, -4}),
                  p_norm("equal elements", p, std::vector<double>(9, -2.5)),
                  p_norm("large scale", p, {1e25, -1e25, 3e24}), p_norm("tiny scale", p, {1e-25, -3e-25, 2e-25})});
    for (Extreme wide :
         {p_norm("f64 large scale", p, {1e200, -1e200, 1e199}), p_norm("f64 tiny scale", p, {1e-200, -3e-200})}) {
      wide.only = DType::f64;
      add_extremes(rows, "norm", {wide});
    }
  }
  // Second derivatives: of |x|_2 (I - x x^T / n^2) / n, of which the sum over rows is asked; 0 at 0.
  const auto two = [](const Tensors& in) { return norm(in[0], 2); };
  add_extremes(
      rows, "norm",
      {with_op(stated("curvature at a large scale, p = 2", {line({3e25, 4e25})}, number(5e25), {line({.6, .8})},
                      {line({(1 - .6 * 1.4) / 5e25, (1 - .8 * 1.4) / 5e25})}),
               two),
       with_op(stated("curvature at 0, p = 2", {line({0, 0})}, number(0), {line({0, 0})}, {line({0, 0})}), two),
       with_op(stated("curvature at 0, p = 1/2", {line({0, 0})}, number(0), {line({0, 0})}, {line({0, 0})}),
               [](const Tensors& in) { return norm(in[0], .5); }),
       but_for(1e-7, with_op(stated("curvature at a zero among others, p = 3/2", {line({0, 4})}, number(4),
                                    {line({0, 1})}, {line({0, 0})}),
                             [](const Tensors& in) { return norm(in[0], 1.5); })),
       with_op(stated("ties of the largest", {line({-2, 2, 1})}, number(2), {line({-.5, .5, 0})}),
               [](const Tensors& in) { return norm(in[0], infinite); }),
       with_op(stated("infinity", {line({infinite, 1})}, number(infinite), {line({1, 1})}),
               [](const Tensors& in) { return norm(in[0], 1); })});
}

void add_logarithms(Rows& rows) {
  const Op over_rows = [](const Tensors& in) { return logsumexp(in[0], {-1}); };
  const double none = -infinite;
  add_extremes(
      rows, "logsumexp",
      {with_op(stated("rows that are masked out", {grid(3, 2, {none, none, 1, none, none, none})},
                      line({none, 1, none}), {grid(3, 2, {0, 0, 1, 0, 0, 0})}, {grid(3, 2, {0, 0, 0, 0, 0, 0})}),
               over_rows),
       but_for(1e-15, with_op(stated("a masked row behind where", {grid(2, 2, {none, none, 3, 3})},
                                     line({7, double(3 + std::log(2.0L))}), {grid(2, 2, {0, 0, .5, .5})},
                                     {grid(2, 2, {0, 0, 0, 0})}),
                              [](const Tensors& in) {
                                const Tensor y = logsumexp(in[0], {-1});
                                return where(equal(y, scalar(-infinite, y.dtype())), scalar(7, y.dtype()), y);
                              })),
       with_op(stated("infinities share", {grid(2, 3, {infinite, 5, none, infinite, 1, infinite})},
                      line({infinite, infinite}), {grid(2, 3, {1, 0, 0, .5, 0, .5})}),
               over_rows),
       with_op(stated("large scales and ties", {grid(2, 3, {1e30, 1e30, -1e30, -1e30, -1e30, -infinite})},
                      line({1e30, -1e30}), {grid(2, 3, {.5, .5, 0, .5, .5, 0})}),
               over_rows),
       {"a dominant element",
        {grid(2, 2, {0, -40, -60, 0})},
        [](const Arrays& in) {
          Answer a{Array(Shape{2}), {in[0]}, {Array(in[0].shape)}};
          for (int64_t i = 0; i < 2; ++i) {
            const Real x = in[0].at({i, 0}), y = in[0].at({i, 1});
            a.value.at({i}) = double(std::log1p(std::exp(std::min(x, y))));
            a.gradients[0].at({i, 0}) = double(1 / (1 + std::exp(y - x)));
            a.gradients[0].at({i, 1}) = double(1 / (1 + std::exp(x - y)));
          }
          return a;
        },
        over_rows}});
  const Op all = [](const Tensors& in) { return prod(in[0]); };
  add_extremes(rows, "prod",
               {with_op(stated("one zero", {line({2, 0, 5})}, number(0), {line({0, 10, 0})}, {line({5, 7, 2})}), all),
                with_op(stated("two zeros", {line({0, 3, 0})}, number(0), {line({0, 0, 0})}, {line({3, 0, 3})}), all),
                with_op(stated("infinity", {line({infinite, -2})}, number(-infinite), {line({-2, infinite})}), all)});
}

void add_largest(Rows& rows) {
  const Array tied = grid(3, 3, {5, 1, 5, -infinite, -infinite, -infinite, infinite, 0, infinite});
  const Array shares = grid(3, 3, {.5, 0, .5, 1. / 3, 1. / 3, 1. / 3, .5, 0, .5}), nothing = zeros_of(tied);
  const Array firsts = grid(3, 3, {1, 0, 0, 1, 0, 0, 1, 0, 0});
  const Array tops = line({5, -infinite, infinite});
  const Array negative = map(tied, [](double v) { return -v; }), bottoms = map(tops, [](double v) { return -v; });
  add_extremes(rows, "amax",
               {with_op(stated("ties and infinities", {tied}, tops, {shares}, {nothing}),
                        [](const Tensors& in) { return amax(in[0], {-1}); })});
  add_extremes(rows, "amin",
               {with_op(stated("ties and infinities", {negative}, bottoms, {shares}, {nothing}),
                        [](const Tensors& in) { return amin(in[0], {-1}); })});
  Extreme gradient =
      with_op(stated("an infinite gradient", {tied}, tops, {grid(3, 3, {infinite, 0, infinite, 1, 1, 1, 1, 0, 1})}),
              [](const Tensors& in) { return amax(in[0], {-1}); });
  gradient.cotangent = line({infinite, 3, 2});
  add_extremes(rows, "amax", {gradient});
  add_extremes(rows, "max",
               {with_op(stated("ties and infinities", {tied}, tops, {firsts}, {nothing}),
                        [](const Tensors& in) { return max(in[0], -1).values; })});
  add_extremes(rows, "min",
               {with_op(stated("ties and infinities", {negative}, bottoms, {firsts}, {nothing}),
                        [](const Tensors& in) { return min(in[0], -1).values; })});
  const Array indices = line({0, 0, 0});
  add_extremes(rows, "argmax", {with_op(stated("ties and infinities", {tied}, indices, {}), [](const Tensors& in) {
                 return argmax(in[0], -1);
               })});
  add_extremes(rows, "argmin", {with_op(stated("ties and infinities", {negative}, indices, {}), [](const Tensors& in) {
                 return argmin(in[0], -1);
               })});
}

}  // namespace

void add_reduction_extremes(Rows& rows) {
  add_spreads(rows);
  add_norms(rows);
  add_logarithms(rows);
  add_largest(rows);
  const Array mixed = line({infinite, 1e30, -1e30, 2}), ones = filled(4, 1), none = filled(4, 0);
  add_extremes(rows, "sum",
               {stated("infinity", {mixed}, number(infinite), {ones}, {none}),
                stated("large scale that cancels", {line({1e30, -1e30, 2e30, -2e30})}, number(0), {ones})});
  add_extremes(rows, "mean",
               {stated("infinity", {mixed}, number(infinite), {filled(4, .25)}, {none}),
                stated("equal elements", {filled(8, 1e-30)}, number(1e-30), {filled(8, .125)})});
  add_extremes(rows, "sum_to",
               {with_op(stated("infinity", {mixed}, number(infinite), {ones}, {none}),
                        [](const Tensors& in) { return sum_to(in[0], {}); })});
  add_extremes(rows, "cumsum",
               {stated("infinity", {line({1, infinite, 2})}, line({1, infinite, infinite}), {line({3, 2, 1})},
                       {line({0, 0, 0})})});
}

}  // namespace ditharos::tests
