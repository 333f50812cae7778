// Rows of the op table: truth values, scans and other forms of reductions (autograd/ops/reductions/).
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

using Line = std::vector<double>;
const std::vector<Case> lines = {{{2, 5}}, {{2, 3, 4}}, {{1}}, {{0, 3}}, {{2, 0}}, {{3, 67}}};

Row row_of(const std::string& name, Tensor (*op)(const Tensor&), std::function<Array(const Array&)> reference, Values x,
           std::vector<Case> cases, Takes takes, int order, std::function<void()> misuse, const std::string& message) {
  Row row;
  row.name = name;
  row.op = [op](const Tensors& in) { return op(in[0]); };
  row.reference = [=](const Arrays& in) { return reference(in[0]); };
  row.inputs = {x};
  row.cases = std::move(cases);
  row.takes = takes;
  row.order = order;
  row.misuse = std::move(misuse);
  row.message = message;
  return row;
}

void add_truth(Rows& rows) {
  const std::vector<Case> cases = {{{2, 3, 4}}, {{2, 0, 3}}, {{0, 2, 3}}, {{1, 1, 1}}, {{3, 5, 67}}};
  const auto number = [](const Line& v) { return double(v.size()) - double(std::count(v.begin(), v.end(), 0)); };
  const auto has = [number](const Line& v) { return double(number(v) > 0); };
  const auto holds = [number](const Line& v) { return double(number(v) == double(v.size())); };
  const Values x = whole(-1, 2);
  rows.push_back(row_of(
      "any", [](const Tensor& v) { return any(v, {0, 2}, true); },
      [=](const Array& a) { return reduce(a, {0, 2}, true, has); }, x, cases, Takes::anything, 0,
      [] { any(zeros({2}), {0, 0}); }, "[any] axes [0, 0] list an axis twice"));
  rows.push_back(row_of(
      "any", [](const Tensor& v) { return any(v); }, [=](const Array& a) { return reduce(a, {}, false, has); }, x,
      cases, Takes::anything, 0, [] { any(zeros({2}), 1); }, "[any] axis 1 is out of range for a tensor of rank 1"));
  rows.push_back(row_of(
      "all", [](const Tensor& v) { return all(v, 1); }, [=](const Array& a) { return reduce(a, {1}, false, holds); }, x,
      cases, Takes::anything, 0, [] { all(zeros({2}), {0, 0}); }, "[all] axes [0, 0] list an axis twice"));
  rows.push_back(row_of(
      "count_nonzero", [](const Tensor& v) { return count_nonzero(v, {-1}); },
      [=](const Array& a) { return reduce(a, {-1}, false, number); }, x, cases, Takes::anything, 0,
      [] { count_nonzero(zeros({2}), {1}); }, "[count_nonzero] axis 1 is out of range for a tensor of rank 1"));
  for (Row& row : rows) row.large = {{{13, 10, 1031}}};
}

void add_statistics(Rows& rows) {
  const auto spread = [](const Line& v) {
    double sum = 0;
    const double mean = mean_of(v);
    for (double x : v) sum += (x - mean) * (x - mean);
    return sum / double(v.size() - 1);
  };
  const std::vector<Case> cases = {{{2, 3, 4}}, {{3, 5, 2}}, {{3, 2, 67}}};
  const Values any_number = uniform(-2, 2);
  rows.push_back(row_of(
      "var", [](const Tensor& v) { return var(v, {1}); }, [=](const Array& a) { return reduce(a, {1}, false, spread); },
      any_number, cases, Takes::floating, 2, [] { var(zeros({1})); },
      "[var] shape [1] gives 1 elements for each result; with the correction 1 more are needed"));
  rows.push_back(row_of(
      "std", [](const Tensor& v) { return std(v, {1}); },
      [=](const Array& a) { return reduce(a, {1}, false, [=](const Line& v) { return std::sqrt(spread(v)); }); },
      any_number, cases, Takes::floating, 2, [] { std(zeros({1})); },
      "[std] shape [1] gives 1 elements for each result; with the correction 1 more are needed"));
  const auto largest = [](const Line& v) { return *std::max_element(v.begin(), v.end()); };
  const auto smallest = [](const Line& v) { return *std::min_element(v.begin(), v.end()); };
  const std::vector<Case> some = {{{2, 3}}, {{}}, {{1}}, {{3, 67}}};
  const Values distinct = apart(-2, 2);
  rows.push_back(row_of(
      "max", [](const Tensor& v) { return max(v); }, [=](const Array& a) { return reduce(a, {}, false, largest); },
      distinct, some, Takes::anything, 2, [] { max(zeros({0})); }, "[max] shape [0] has no elements"));
  rows.push_back(row_of(
      "min", [](const Tensor& v) { return min(v); }, [=](const Array& a) { return reduce(a, {}, false, smallest); },
      distinct, some, Takes::anything, 2, [] { min(zeros({0})); }, "[min] shape [0] has no elements"));
  rows.push_back(row_of(
      "argmax", [](const Tensor& v) { return argmax(v); },
      [=](const Array& a) {
        const auto at = std::max_element(a.values.begin(), a.values.end());
        return Array({}, double(at - a.values.begin()));
      },
      whole(-2, 3), some, Takes::anything, 0, [] { argmax(zeros({0})); }, "[argmax] shape [0] has no elements"));
  rows.push_back(row_of(
      "argmin", [](const Tensor& v) { return argmin(v); },
      [=](const Array& a) {
        const auto at = std::min_element(a.values.begin(), a.values.end());
        return Array({}, double(at - a.values.begin()));
      },
      whole(-2, 3), some, Takes::anything, 0, [] { argmin(zeros({0})); }, "[argmin] shape [0] has no elements"));
}

/// y_i = f(y_{i-1}, x_i) along an axis.
std::function<Array(const Array&)> scan(int axis, double (*f)(double, double)) {
  return [=](const Array& a) {
    return map_rows(a, axis, [f](Line v) {
      for (size_t i = 1; i < v.size(); ++i) v[i] = f(v[i - 1], v[i]);
      return v;
    });
  };
}

void add_scans(Rows& rows) {
  const auto product = [](double a, double b) { return a * b; };
  const std::vector<Case> wide = {{{130, 1031}}, {{1031, 130}}};
  rows.push_back(row_of(
      "cumprod", [](const Tensor& v) { return cumprod(v, -1); }, scan(-1, product), uniform(.5, 1.4), lines,
      Takes::anything, 2, [] { cumprod(zeros({2}), 1); }, "[cumprod] axis 1 is out of range for a tensor of rank 1"));
  rows.back().large = wide;
  rows.back().tolerance32 = 1e-4;
  rows.push_back(row_of(
      "cumprod", [](const Tensor& v) { return cumprod(v, 0); }, scan(0, product), whole(-1, 2),
      {{{4, 3}}, {{2, 3, 4}}, {{1}}, {{0, 3}}}, Takes::anything, 2, [] { cumprod(zeros({2}, DType::f16), 0); },
      "[cumprod] does not take f16; convert with to(x, DType::f32)"));
  rows.back().record = "cumprod";
  for (int axis : {-1, 0}) {
    rows.push_back(row_of(
        "logcumsumexp",
        axis == 0 ? +[](const Tensor& v) { return logcumsumexp(v, 0); }
                  : +[](const Tensor& v) { return logcumsumexp(v, -1); },
        scan(axis, [](double a, double b) { return std::log(std::exp(a) + std::exp(b)); }), uniform(-4, 4), lines,
        Takes::floating, 2, [] { logcumsumexp(zeros({2}, DType::i64), 0); },
        "[logcumsumexp] computes in f32 or f64, got i64; convert with to(x, DType::f32)"));
    rows.back().record = "logcumsumexp";
    rows.back().large = {{{130, 131}}};
  }
  rows.push_back(row_of(
      "cummax", [](const Tensor& v) { return cummax(v, -1).values; },
      scan(-1, [](double a, double b) { return std::max(a, b); }), apart(-2, 2), lines, Takes::anything, 2,
      [] { cummax(zeros({2}), 1); }, "[cummax] axis 1 is out of range for a tensor of rank 1"));
  rows.push_back(row_of(
      "cummin", [](const Tensor& v) { return cummin(v, 0).values; },
      scan(0, [](double a, double b) { return std::min(a, b); }), apart(-2, 2), lines, Takes::anything, 2,
      [] { cummin(zeros({2}), 1); }, "[cummin] axis 1 is out of range for a tensor of rank 1"));
  // Of equal elements the last.
  rows.push_back(row_of(
      "cummax", [](const Tensor& v) { return cummax(v, 1).indices; },
      [](const Array& a) {
        return map_rows(a, 1, [](const Line& v) {
          Line out;
          for (size_t i = 0; i < v.size(); ++i)
            out.push_back(i == 0 || v[i] >= v[size_t(out.back())] ? double(i) : out.back());
          return out;
        });
      },
      whole(-2, 3), {{{2, 5}}, {{2, 3, 4}}, {{0, 3}}, {{1, 1}}}, Takes::anything, 0,
      [] { cummax(zeros({2}, DType::bf16), 0); }, "[cummax] does not take bf16; convert with to(x, DType::f32)"));

  const auto differences = [](const Array& a) {
    Shape shape = a.shape;
    const int last = shape.rank() - 1;
    shape[last] = std::max<int64_t>(0, shape[last] - 2);
    Array out(shape);
    each_index(shape, [&](const Index& i) {
      Index j = i, k = i;
      j[last] += 1, k[last] += 2;
      out.at(i) = a.at(k) - 2 * a.at(j) + a.at(i);
    });
    return out;
  };
  rows.push_back(row_of(
      "diff", [](const Tensor& v) { return diff(v, 2); }, differences, uniform(-2, 2), lines, Takes::numbers, 2,
      [] { diff(zeros({2}), -1); }, "[diff] the number of differences cannot be negative, got -1"));
}

}  // namespace

Rows scan_rows() {
  Rows truth, statistics, rows;
  add_truth(truth);
  add_statistics(statistics);
  add_scans(rows);
  rows.insert(rows.end(), truth.begin(), truth.end());
  rows.insert(rows.end(), statistics.begin(), statistics.end());
  return rows;
}

}  // namespace ditharos::tests
