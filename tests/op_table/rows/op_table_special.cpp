// Rows of the op table: special functions (autograd/ops/elementwise/special.cpp), and reductions and orders without
// NaN.
#include "tests/op_table/rows/op_table_special.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include <ditharos/autograd/ops.h>

namespace ditharos::tests {

long double polygamma_of(int n, long double x) {
  const long double bernoulli[] = {1.L / 6, -1.L / 30, 1.L / 42, -1.L / 30, 5.L / 66, -691.L / 2730, 7.L / 6};
  long double factorial = 1, terms = 0;
  for (int i = 2; i <= n; ++i) factorial *= i;
  const long double sign = n % 2 == 0 ? -1 : 1;
  for (; x < 40; x += 1) terms += sign * factorial / std::pow(x, static_cast<long double>(n + 1));
  if (n == 0) {
    long double series = std::log(x) - 1 / (2 * x);
    for (int j = 1; j <= 7; ++j) series -= bernoulli[j - 1] / (2 * j * std::pow(x, 2.L * j));
    return terms + series;
  }
  long double series = 1 + n / (2 * x), factor = 1;
  for (int j = 1; j <= 7; ++j) {
    factor *= (n + 2.L * j - 2) * (n + 2.L * j - 1) / ((2.L * j - 1) * (2.L * j) * x * x);
    series += bernoulli[j - 1] * factor;
  }
  return terms + sign * factorial / n / std::pow(x, static_cast<long double>(n)) * series;
}

long double erfinv_of(long double x) {
  if (x < 0) return -erfinv_of(-x);
  if (x >= 1) return x == 1 ? INFINITY : NAN;
  const long double slope = 2 * std::numbers::inv_sqrtpi_v<long double>;
  long double y = x < .5L ? x / slope : 1;
  for (int i = 0; i < 60; ++i) {
    const long double density = slope * std::exp(-y * y), tail = std::erfc(y);
    // In the tail the logarithms differ by about the error of y^2.
    y += x < .5L ? (x - std::erf(y)) / density : std::log(tail / (1 - x)) * tail / density;
  }
  return y;
}

namespace {

using Line = std::vector<double>;
const std::vector<Case> singles = {{{2, 3}}, {{}}, {{1}}, {{0, 3}}, {{3, 67}}};

Row one(const std::string& name, Tensor (*op)(const Tensor&), double (*f)(double), Values x) {
  Row row;
  row.name = row.record = name;
  row.op = [op](const Tensors& in) { return op(in[0]); };
  row.reference = [f](const Arrays& in) { return map(in[0], f); };
  row.inputs = {x};
  row.cases = singles;
  row.large = {{{130, 1031}}};
  row.misuse = [op] { op(zeros({2}, DType::i64)); };
  row.message = "[" + name + "] does not take i64; convert with to(x, DType::f32) or DType::f64";
  return row;
}

template <int n>
double psi(double x) {
  return double(polygamma_of(n, x));
}

void add_functions(Rows& rows) {
  rows.push_back(one("erfinv", erfinv, [](double v) { return double(erfinv_of(v)); }, uniform(-.9, .9)));
  for (const Values& x : {uniform(1, 5), uniform(-2.8, -2.2)}) {
    rows.push_back(one("lgamma", lgamma, [](double v) { return double(std::lgamma(static_cast<long double>(v))); }, x));
    rows.push_back(one("digamma", digamma, psi<0>, x));
    rows.push_back(one("polygamma", [](const Tensor& v) { return polygamma(1, v); }, psi<1>, x));
    rows.push_back(one("polygamma", [](const Tensor& v) { return polygamma(4, v); }, psi<4>, x));
    rows.back().misuse = [] { polygamma(101, zeros({2})); };
    rows.back().message = "[polygamma] the order must lie in [0, 100], got 101";
  }
  // Differences of large derivatives.
  for (Row& row : rows)
    if (row.inputs[0].low < -1 && row.name != "erfinv") row.gradcheck_tolerance = 1e-5;
  for (Row& row : rows) row.tolerance32 = 5e-5;

  Row power = one("float_power", nullptr, [](double v) { return std::pow(v, 2.5); }, uniform(.5, 2));
  power.op = [](const Tensors& in) { return float_power(in[0], 2.5); };
  power.record = "";
  power.takes = Takes::anything;
  power.misuse = [] { float_power(zeros({2, 3}), zeros({4})); };
  power.message = "[float_power] cannot broadcast shapes [2, 3] and [4]";
  rows.push_back(power);
}

/// `f` gives the result for a line of x along its last axis.
Row of_lines(const std::string& name, Tensor (*op)(const Tensor&), double (*f)(const Line&), Values x,
             std::function<void()> misuse, const std::string& message) {
  Row row;
  row.name = name;
  row.op = [op](const Tensors& in) { return op(in[0]); };
  row.reference = [f](const Arrays& in) { return tests::reduce(in[0], {-1}, false, f); };
  row.inputs = {x};
  row.cases = {{{2, 5}}, {{2, 3, 4}}, {{1}}, {{0, 3}}, {{3, 67}}};
  row.large = {{{130, 1031}}};
  row.takes = Takes::anything;
  row.order = x.kind == Values::Kind::whole ? 0 : 2;
  row.misuse = std::move(misuse);
  row.message = message;
  return row;
}

double middle_of(const Line& v) {
  Line sorted = v;
  std::sort(sorted.begin(), sorted.end());
  return sorted[(v.size() - 1) / 2];
}

/// The most frequent number, the smallest of several.
double mode_of(const Line& v) {
  std::map<double, int> count;
  for (double x : v) ++count[x];
  const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
  return std::max_element(count.begin(), count.end(), fewer)->first;
}

void add_reductions(Rows& rows) {
  rows.push_back(of_lines(
      "nansum", [](const Tensor& x) { return nansum(x, -1); }, [](const Line& v) { return sum_of(v); }, uniform(-2, 2),
      [] { nansum(zeros({2}), 1); }, "[nansum] axis 1 is out of range for a tensor of rank 1"));
  rows.push_back(of_lines(
      "nanmean", [](const Tensor& x) { return nanmean(x, -1); }, [](const Line& v) { return mean_of(v); },
      uniform(-2, 2), [] { nanmean(zeros({2}), 1); }, "[nanmean] axis 1 is out of range for a tensor of rank 1"));
  rows.back().takes = Takes::floating;
  rows.push_back(of_lines(
      "nanmedian", [](const Tensor& x) { return nanmedian(x, -1).values; }, middle_of, apart(-2, 2),
      [] { nanmedian(zeros({2, 0}), 1); }, "[nanmedian] axis 1 of shape [2, 0] is empty"));
  Row all = rows.back();
  all.op = [](const Tensors& in) { return nanmedian(in[0]); };
  all.reference = [](const Arrays& in) { return tests::reduce(in[0], {}, false, middle_of); };
  all.cases = {{{2, 5}}, {{}}, {{1}}, {{2, 3, 2}}};
  all.misuse = [] { nanmedian(zeros({0})); };
  all.message = "[nanmedian] shape [0] has no elements";
  rows.push_back(all);
  rows.push_back(of_lines(
      "mode", [](const Tensor& x) { return mode(x).values; }, mode_of, apart(-2, 2), [] { mode(zeros({2, 0}), 1); },
      "[mode] axis 1 of shape [2, 0] is empty"));
  rows.push_back(of_lines(
      "mode", [](const Tensor& x) { return mode(x.detach()).values; }, mode_of, whole(-2, 3),
      [] { mode(zeros({2}), 1); }, "[mode] axis 1 is out of range for a tensor of rank 1"));
  // The index of the last of the most frequent elements.
  rows.push_back(of_lines(
      "mode", [](const Tensor& x) { return mode(x).indices; },
      [](const Line& v) {
        const double value = mode_of(v);
        return double(v.rend() - std::find(v.rbegin(), v.rend(), value) - 1);
      },
      whole(-2, 3), [] { mode(zeros({2}, DType::bf16)); },
      "[mode] does not take bf16; convert with to(x, DType::f32)"));
}

}  // namespace

Rows special_rows() {
  Rows rows, reductions;
  add_functions(rows);
  add_reductions(reductions);
  rows.insert(rows.end(), reductions.begin(), reductions.end());
  return rows;
}

}  // namespace ditharos::tests
