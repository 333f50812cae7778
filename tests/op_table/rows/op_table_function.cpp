// Rows of the op table: functions of one variable.
#include <cmath>

#include <ditharos/autograd/checkpoint.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/normal_cdf.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

const std::vector<Case> small = {{{2, 3}}, {{}}, {{1}}, {{0, 3}}, {{3, 67}}, {{2, 3, 4}}};
const std::vector<Case> large = {{{130, 1031}}};

Row one_variable(const std::string& name, Tensor (*op)(const Tensor&), double (*f)(double), Values x) {
  Row row;
  row.name = row.record = name;
  row.op = [op](const Tensors& in) { return op(in[0]); };
  row.reference = [f](const Arrays& in) { return map(in[0], f); };
  row.inputs = {x};
  row.cases = small;
  row.large = large;
  row.misuse = [op] { op(zeros({2}, DType::i64)); };
  row.message = "[" + name + "] does not take i64; convert with to(x, DType::f32) or DType::f64";
  return row;
}

/// Takes integers too, so the message is about booleans.
Row of_numbers(Row row) {
  row.takes = Takes::numbers;
  row.misuse = [op = row.op] { op({zeros({2}, DType::boolean)}); };
  row.message = "[" + row.name + "] does not take bool; convert with to(x, DType::f32)";
  return row;
}

double logistic(double v) { return 1 / (1 + std::exp(-v)); }

/// x tanh(y), computed twice.
Row checkpoint_row() {
  Row row;
  row.name = row.record = "checkpoint";
  row.op = [](const Tensors& in) { return checkpoint([](const Tensors& x) { return x[0] * tanh(x[1]); }, in, {}); };
  row.reference = [](const Arrays& in) {
    return zip(in[0], in[1], [](double x, double y) { return x * std::tanh(y); });
  };
  row.inputs = {uniform(-2, 2), uniform(-2, 2)};
  for (const Case& c : small) row.cases.push_back({c[0], c[0]});
  for (const Case& c : large) row.large.push_back({c[0], c[0]});
  row.misuse = [] {
    const Tensor x = ones({2}).set_requires_grad();
    sum(checkpoint([&](const Tensors&) { return x * 2.0; }, {ones({2}).set_requires_grad()}, {})).backward();
  };
  row.message =
      "[checkpoint] the block uses a parameter of shape [2] that is neither among its inputs nor among its "
      "parameters";
  return row;
}

}  // namespace

Rows function_rows() {
  Rows rows;
  const auto add = [&](auto&&... arguments) { rows.push_back(one_variable(arguments...)); };
  const Values any = uniform(-2, 2), positive = uniform(.3, 3);
  rows.push_back(of_numbers(one_variable("abs", abs, [](double v) { return v < 0 ? -v : v; }, lattice(-2, 2))));
  rows.push_back(of_numbers(one_variable("square", square, [](double v) { return v * v; }, any)));
  rows.push_back(checkpoint_row());
  add("sqrt", sqrt, [](double v) { return std::sqrt(v); }, positive);
  add("rsqrt", rsqrt, [](double v) { return 1 / std::sqrt(v); }, positive);
  add("reciprocal", reciprocal, [](double v) { return 1 / v; }, positive);
  add("exp", exp, [](double v) { return std::exp(v); }, any);
  add("log", log, [](double v) { return std::log(v); }, positive);
  add("expm1", expm1, [](double v) { return std::expm1(v); }, any);
  add("log1p", log1p, [](double v) { return std::log1p(v); }, uniform(-.6, 3));
  add("sin", sin, [](double v) { return std::sin(v); }, uniform(-7, 7));
  add("cos", cos, [](double v) { return std::cos(v); }, uniform(-7, 7));
  add("tan", tan, [](double v) { return std::tan(v); }, uniform(-1.2, 1.2));
  add("asin", asin, [](double v) { return std::asin(v); }, uniform(-.8, .8));
  add("acos", acos, [](double v) { return std::acos(v); }, uniform(-.8, .8));
  add("atan", atan, [](double v) { return std::atan(v); }, uniform(-4, 4));
  add("sinh", sinh, [](double v) { return std::sinh(v); }, uniform(-3, 3));
  add("cosh", cosh, [](double v) { return std::cosh(v); }, uniform(-3, 3));
  add("erf", erf, [](double v) { return std::erf(v); }, uniform(-3, 3));
  // Their steps are at multiples of 1/2, which the lattice's points avoid.
  rows.push_back(
      of_numbers(one_variable("sign", sign, [](double v) { return double((v > 0) - (v < 0)); }, lattice(-2, 2))));
  add("floor", floor, [](double v) { return std::floor(v); }, lattice(-2, 2));
  add("ceil", ceil, [](double v) { return std::ceil(v); }, lattice(-2, 2));
  add("round", round, [](double v) { return std::nearbyint(v); }, lattice(-2, 2));

  // The bounds lie on the lattice's multiples, which its points avoid.
  Row clamp_row = of_numbers(one_variable(
      "clamp", [](const Tensor& x) { return clamp(x, -1, 1); }, [](double v) { return v < -1  ? -1
                                                                                      : v > 1 ? 1
                                                                                              : v; },
      lattice(-2, 2)));
  rows.push_back(clamp_row);
  clamp_row.takes = Takes::floating;
  clamp_row.op = [](const Tensors& in) { return clamp(in[0], -.5, 1.25); };
  clamp_row.reference = [](const Arrays& in) {
    return map(in[0], [](double v) { return v < -.5 ? -.5 : v > 1.25 ? 1.25 : v; });
  };
  clamp_row.misuse = [] { clamp(zeros({2}), 1, -1); };
  clamp_row.message = "[clamp] the lower bound 1.000000 is above the upper bound -1.000000";
  rows.push_back(clamp_row);
  return rows;
}

Rows activation_rows() {
  Rows rows;
  const auto add = [&](auto&&... arguments) { rows.push_back(one_variable(arguments...)); };
  // Wide enough for the saturated ends, where naive formulas overflow.
  const Values wide = uniform(-9, 9);
  add("tanh", tanh, [](double v) { return std::tanh(v); }, wide);
  add("sigmoid", sigmoid, logistic, wide);
  rows.push_back(of_numbers(one_variable("relu", relu, [](double v) { return v > 0 ? v : 0; }, lattice(-2, 2))));
  add(
      "leaky_relu", [](const Tensor& x) { return leaky_relu(x, .2); }, [](double v) { return v > 0 ? v : .2 * v; },
      lattice(-2, 2));
  add(
      "elu", [](const Tensor& x) { return elu(x, 1.5); }, [](double v) { return v > 0 ? v : 1.5 * std::expm1(v); },
      lattice(-2, 2));
  add(
      "softplus", softplus, [](double v) { return v > 0 ? v + std::log1p(std::exp(-v)) : std::log1p(std::exp(v)); },
      uniform(-30, 30));
  add("silu", silu, [](double v) { return v * logistic(v); }, wide);
  add("gelu", gelu, [](double v) { return v * .5 * std::erfc(-v / std::sqrt(2.0)); }, uniform(-5, 5));
  add("normal_cdf", normal_cdf, [](double v) { return .5 * std::erfc(-v / std::sqrt(2.0)); }, uniform(-5, 5));
  add(
      "gelu_tanh", gelu_tanh,
      [](double v) {
        const double u = std::sqrt(2 / 3.14159265358979323846) * (v + .044715 * v * v * v);
        return .5 * v * (1 + std::tanh(u));
      },
      uniform(-5, 5));
  return rows;
}

}  // namespace ditharos::tests
