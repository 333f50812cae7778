// Rows of the op table: arithmetic, selection, comparisons.
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

const std::vector<Case> pairs = {{{2, 3}, {2, 3}}, {{2, 1, 3}, {4, 1}}, {{3}, {}},       {{0, 3}, {3}}, {{1}, {1}},
                                 {{}, {}},         {{3, 67}, {67}},     {{4, 1}, {4, 5}}};
const std::vector<Case> large_pairs = {{{130, 1031}, {130, 1031}}, {{130, 1031}, {1031}}, {{130, 1}, {1, 1031}}};
const std::vector<Case> singles = {{{2, 3}}, {{}}, {{1}}, {{0, 3}}, {{3, 67}}, {{2, 3, 4}}};
const std::vector<Case> large_singles = {{{130, 1031}}};

void wrong_pair(Row& row, const std::string& kernel) {
  row.misuse = [op = row.op] { op({zeros({2, 3}), zeros({4})}); };
  row.message = "[" + kernel + "] cannot broadcast shapes [2, 3] and [4]";
}

Row binary(const std::string& name, const std::string& record, Tensor (*op)(const Tensor&, const Tensor&),
           double (*f)(double, double), Values a, Values b, Takes takes) {
  Row row;
  row.name = name;
  row.record = record;
  row.op = [op](const Tensors& in) { return op(in[0], in[1]); };
  row.reference = [f](const Arrays& in) { return zip(in[0], in[1], f); };
  row.inputs = {a, b};
  row.cases = pairs;
  row.large = large_pairs;
  row.takes = takes;
  wrong_pair(row, record);
  return row;
}

Row with_number(const std::string& name, const std::string& record, Tensor (*op)(const Tensor&), double (*f)(double),
                Values x, Takes takes) {
  Row row;
  row.name = name;
  row.record = record;
  row.op = [op](const Tensors& in) { return op(in[0]); };
  row.reference = [f](const Arrays& in) { return map(in[0], f); };
  row.inputs = {x};
  row.cases = singles;
  row.large = large_singles;
  row.takes = takes;
  row.misuse = [op] { op(zeros({2}, DType::boolean)); };
  return row;
}

Row comparison(const std::string& name, Tensor (*op)(const Tensor&, const Tensor&), bool (*f)(double, double)) {
  Row row;
  row.name = name;
  row.op = [op](const Tensors& in) { return op(in[0], in[1]); };
  row.reference = [f](const Arrays& in) {
    return zip(in[0], in[1], [f](double x, double y) { return f(x, y) ? 1.0 : 0.0; });
  };
  row.inputs = {whole(-2, 3), whole(-2, 3)};
  row.cases = pairs;
  row.large = large_pairs;
  row.takes = Takes::anything;
  row.order = 0;
  wrong_pair(row, name);
  return row;
}

Row power(double exponent, Values x) {
  Row row;
  row.name = row.record = "pow";
  row.op = [exponent](const Tensors& in) { return pow(in[0], exponent); };
  row.reference = [exponent](const Arrays& in) { return map(in[0], [=](double v) { return std::pow(v, exponent); }); };
  row.inputs = {x};
  row.cases = singles;
  row.large = large_singles;
  row.misuse = [] { pow(zeros({2}, DType::i64), .5); };
  row.message = "[pow] does not take i64; convert with to(x, DType::f32) or DType::f64";
  return row;
}

void add_numbers(Rows& rows) {
  const auto add = [&](const char* name, const char* record, Tensor (*op)(const Tensor&), double (*f)(double),
                       Takes takes = Takes::numbers, Values x = uniform(-2, 2)) {
    rows.push_back(with_number(name, record, op, f, x, takes));
    rows.back().message = std::string("[") + (std::string(record) == "mul" ? "mul_scalar" : record) +
                          "] does not take bool; convert with to(x, DType::f32)";
  };
  add("tensor + number", "add_scalar", [](const Tensor& x) { return x + 3.0; }, [](double v) { return v + 3; });
  add("tensor - number", "add_scalar", [](const Tensor& x) { return x - 3.0; }, [](double v) { return v - 3; });
  add("tensor * number", "mul_scalar", [](const Tensor& x) { return x * -3.0; }, [](double v) { return v * -3; });
  add(
      "tensor / number", "div_scalar", [](const Tensor& x) { return x / 1.5; }, [](double v) { return v / 1.5; },
      Takes::floating);
  rows.back().message = "[div] computes in f32 or f64, got bool; convert with to(x, DType::f32)";
  add(
      "tensor / number", "div_scalar", [](const Tensor& x) { return x / -49.0; }, [](double v) { return v / -49; },
      Takes::floating, whole(-200, 200));
  rows.back().message = "[div] computes in f32 or f64, got bool; convert with to(x, DType::f32)";
  rows.back().tolerance32 = 4e-8;  // half a unit in the last place
  add(
      "tensor / number", "div_scalar", [](const Tensor& x) { return x / 8.0; }, [](double v) { return v / 8; },
      Takes::floating);
  rows.back().message = "[div] computes in f32 or f64, got bool; convert with to(x, DType::f32)";
  rows.back().tolerance32 = 4e-8;
  add("number + tensor", "add_scalar", [](const Tensor& x) { return 3.0 + x; }, [](double v) { return 3 + v; });
  add("number - tensor", "add_scalar", [](const Tensor& x) { return 3.0 - x; }, [](double v) { return 3 - v; });
  rows.back().message = "[neg] does not take bool; convert with to(x, DType::f32)";
  add("number * tensor", "mul_scalar", [](const Tensor& x) { return -3.0 * x; }, [](double v) { return -3 * v; });
  add(
      "number / tensor", "div", [](const Tensor& x) { return 1.5 / x; }, [](double v) { return 1.5 / v; },
      Takes::floating, uniform(.5, 2));
  rows.back().message = "[div] computes in f32 or f64, got bool; convert with to(x, DType::f32)";
  add("-tensor", "neg", [](const Tensor& x) { return -x; }, [](double v) { return -v; });
}

}  // namespace

Rows arithmetic_rows() {
  Rows rows;
  const Values any = uniform(-2, 2), away_from_zero = uniform(.5, 2);
  const auto add = [&](auto&&... arguments) { rows.push_back(binary(arguments...)); };
  add(
      "+", "add", [](const Tensor& a, const Tensor& b) { return a + b; }, [](double x, double y) { return x + y; }, any,
      any, Takes::numbers);
  add(
      "-", "sub", [](const Tensor& a, const Tensor& b) { return a - b; }, [](double x, double y) { return x - y; }, any,
      any, Takes::numbers);
  add(
      "*", "mul", [](const Tensor& a, const Tensor& b) { return a * b; }, [](double x, double y) { return x * y; }, any,
      any, Takes::numbers);
  add(
      "/", "div", [](const Tensor& a, const Tensor& b) { return a / b; }, [](double x, double y) { return x / y; }, any,
      away_from_zero, Takes::floating);
  // The two lattices never meet, so there are no ties.
  const Values left = lattice(-2, 2, 1. / 32), right = lattice(-2, 2, 3. / 32);
  add(
      "maximum", "maximum", [](const Tensor& a, const Tensor& b) { return maximum(a, b); },
      [](double x, double y) { return x > y ? x : y; }, left, right, Takes::numbers);
  add(
      "minimum", "minimum", [](const Tensor& a, const Tensor& b) { return minimum(a, b); },
      [](double x, double y) { return x < y ? x : y; }, left, right, Takes::numbers);
  add(
      "pow", "pow", [](const Tensor& a, const Tensor& b) { return pow(a, b); },
      [](double x, double y) { return std::pow(x, y); }, away_from_zero, any, Takes::floating);
  add_numbers(rows);

  for (double exponent : {2.0, 3.0, 0.0, 1.0}) rows.push_back(power(exponent, any));
  for (double exponent : {.5, -.5, -1.0, 2.3}) rows.push_back(power(exponent, away_from_zero));

  Row where_row;
  where_row.name = where_row.record = "where";
  where_row.op = [](const Tensors& in) { return where(in[0], in[1], in[2]); };
  where_row.reference = [](const Arrays& in) {
    const Array kept = zip(in[0], in[1], [](double c, double a) { return c != 0 ? a : NAN; });
    return zip(kept, in[2], [](double a, double b) { return std::isnan(a) ? b : a; });
  };
  where_row.inputs = {flags(), any, any};
  where_row.cases = {{{2, 3}, {2, 3}, {2, 3}}, {{4, 1}, {2, 1, 3}, {3}}, {{3}, {}, {}},
                     {{0, 3}, {3}, {1}},       {{1}, {1}, {1}},          {{}, {}, {}},
                     {{3, 67}, {67}, {3, 1}}};
  where_row.large = {{{130, 1031}, {130, 1031}, {130, 1031}}, {{130, 1}, {130, 1031}, {}}};
  where_row.takes = Takes::anything;
  where_row.misuse = [] { where(zeros({2}), zeros({2}), zeros({2})); };
  where_row.message = "[where] the condition must be bool, got f32";
  rows.push_back(where_row);

  rows.push_back(comparison("equal", equal, [](double x, double y) { return x == y; }));
  rows.push_back(comparison("not_equal", not_equal, [](double x, double y) { return x != y; }));
  rows.push_back(comparison("less", less, [](double x, double y) { return x < y; }));
  rows.push_back(comparison("less_equal", less_equal, [](double x, double y) { return x <= y; }));
  rows.push_back(comparison("greater", greater, [](double x, double y) { return x > y; }));
  rows.push_back(comparison("greater_equal", greater_equal, [](double x, double y) { return x >= y; }));
  return rows;
}

}  // namespace ditharos::tests
