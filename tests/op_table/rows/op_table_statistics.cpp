// Rows of the op table: reductions made of others, and running sums.
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

using Run = std::function<double(const std::vector<double>&)>;
using Reduction = std::function<Tensor(const Tensor&, const Axes&, bool)>;

struct Choice {
  Axes axes;
  bool keepdim;
};
const std::vector<Choice> choices = {{{}, false},  {{}, true},      {{0}, false},
                                     {{-1}, true}, {{0, 2}, false}, {{1}, false}};

Row reduction(const std::string& name, const Reduction& op, const Run& f, const Choice& choice) {
  Row row;
  row.name = name;
  row.op = [=](const Tensors& in) { return op(in[0], choice.axes, choice.keepdim); };
  row.reference = [=](const Arrays& in) { return reduce(in[0], choice.axes, choice.keepdim, f); };
  row.inputs = {uniform(-2, 2)};
  row.cases = {{{2, 3, 4}}, {{1, 1, 1}}, {{3, 5, 67}}, {{67, 2, 3}}};
  row.large = {{{13, 107, 131}}};
  row.misuse = [op] { op(zeros({2, 3}), {2}, false); };
  row.message = "[" + name + "] axis 2 is out of range for a tensor of rank 2";
  return row;
}

double variance_of(const std::vector<double>& v, double correction) {
  const double mean = mean_of(v);
  double total = 0;
  for (double x : v) total += (x - mean) * (x - mean);
  return total / (double(v.size()) - correction);
}

void add_spreads(Rows& rows) {
  for (const Choice& c : choices) {
    rows.push_back(reduction(
        "variance", [](const Tensor& x, const Axes& axes, bool keep) { return variance(x, axes, keep); },
        [](const std::vector<double>& v) { return variance_of(v, 0); }, c));
    Row row = reduction(
        "standard_deviation",
        [](const Tensor& x, const Axes& axes, bool keep) { return standard_deviation(x, axes, keep, 1); },
        [](const std::vector<double>& v) { return std::sqrt(variance_of(v, 1)); }, c);
    row.cases = {{{2, 3, 4}}, {{3, 5, 67}}, {{67, 2, 3}}};
    row.message = "[standard_deviation] axis 2 is out of range for a tensor of rank 2";
    rows.push_back(row);
  }
  Row row = reduction(
      "standard_deviation",
      [](const Tensor& x, const Axes& axes, bool keep) { return standard_deviation(x, axes, keep); },
      [](const std::vector<double>& v) { return std::sqrt(variance_of(v, 0)); }, {{1}, false});
  row.cases = {{{2, 3, 4}}};
  row.misuse = [] { standard_deviation(zeros({3, 1}), {1}, false, 1); };
  row.message =
      "[standard_deviation] shape [3, 1] gives 1 elements for each result; with the correction 1 more are needed";
  rows.push_back(row);
  // One element has no spread: value and gradient are 0.
  row.cases = {{{1, 1, 1}}};
  row.large.clear();
  row.op = [](const Tensors& in) { return standard_deviation(in[0]); };
  row.reference = [](const Arrays&) { return Array(Shape{}, 0); };
  rows.push_back(row);
}

void add_norms(Rows& rows) {
  for (double p : {2.0, 1.0, 3.0, 1.5, double(INFINITY)})
    for (const Choice& c : choices) {
      const bool largest = std::isinf(p);
      rows.push_back(reduction(
          "norm", [p](const Tensor& x, const Axes& axes, bool keep) { return norm(x, p, axes, keep); },
          [=](const std::vector<double>& v) {
            double total = 0;
            for (double x : v) total = largest ? std::max(total, std::abs(x)) : total + std::pow(std::abs(x), p);
            return largest ? total : std::pow(total, 1 / p);
          },
          c));
      if (p != 1 && !largest) rows.back().record = "norm";
      // |x| has a kink at 0, and a fractional power of it a pole in its derivatives.
      rows.back().inputs = {largest ? apart(1, 100) : uniform(.5, 2)};
      rows.back().misuse = [] { norm(zeros({2, 3}), 0); };
      rows.back().message = "[norm] p must be positive, got 0.000000";
      if (p == 2) rows.back().cases.push_back({{2, 0, 3}});
    }
}

void add_products_and_logarithms(Rows& rows) {
  for (const Choice& c : choices) {
    rows.push_back(reduction(
        "logsumexp", [](const Tensor& x, const Axes& axes, bool keep) { return logsumexp(x, axes, keep); },
        [](const std::vector<double>& v) {
          double total = 0;
          for (double x : v) total += std::exp(x);
          return std::log(total);
        },
        c));
    rows.back().record = "logsumexp";
    rows.push_back(reduction(
        "prod", [](const Tensor& x, const Axes& axes, bool keep) { return prod(x, axes, keep); },
        [](const std::vector<double>& v) {
          double product = 1;
          for (double x : v) product *= x;
          return product;
        },
        c));
    rows.back().inputs = {uniform(-1.2, 1.2)};
    rows.back().takes = Takes::anything;
    rows.back().cases = {{{2, 3, 4}}, {{1, 1, 1}}, {{3, 5, 7}}, {{2, 0, 3}}};
    rows.back().large.clear();
  }
  Row row = rows[rows.size() - 2];  // the last log-sum-exp, over axis 1: others may be empty
  row.cases = {{{0, 3, 2}}, {{3, 2, 0}}};
  row.large.clear();
  rows.push_back(row);
}

Row running_sum(int axis) {
  Row row;
  row.name = row.record = "cumsum";
  row.op = [=](const Tensors& in) { return cumsum(in[0], axis); };
  row.reference = [=](const Arrays& in) {
    return map_rows(in[0], axis < 0 ? axis + in[0].rank() : axis, [](std::vector<double> v) {
      for (size_t i = 1; i < v.size(); ++i) v[i] += v[i - 1];
      return v;
    });
  };
  row.inputs = {uniform(-2, 2)};
  row.takes = Takes::anything;  // booleans are counted
  row.cases = {{{2, 3, 4}}, {{1, 1, 1}}, {{3, 5, 67}}, {{0, 3, 2}}, {{3, 2, 0}}};
  row.large = {{{13, 107, 131}}, {{107, 13, 131}}};
  row.misuse = [] { cumsum(zeros({2, 3}), 2); };
  row.message = "[cumsum] axis 2 is out of range for a tensor of rank 2";
  return row;
}

}  // namespace

Rows statistics_rows() {
  Rows rows{running_sum(0), running_sum(1), running_sum(-1)};
  add_spreads(rows);
  add_norms(rows);
  add_products_and_logarithms(rows);
  return rows;
}

}  // namespace ditharos::tests
