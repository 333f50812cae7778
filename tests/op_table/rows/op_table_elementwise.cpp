// Rows of the op table: the elementwise operations of autograd/ops/elementwise/ that compute.
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

const std::vector<Case> singles = {{{2, 3}}, {{}}, {{1}}, {{0, 3}}, {{3, 67}}};
const std::vector<Case> pairs = {{{2, 3}, {2, 3}}, {{2, 1, 3}, {4, 1}}, {{3}, {}},
                                 {{0, 3}, {3}},    {{1}, {1}},          {{3, 67}, {67}}};
const std::vector<Case> triples = {
    {{2, 3}, {2, 3}, {2, 3}}, {{4, 1}, {2, 1, 3}, {3}}, {{0, 3}, {3}, {1}}, {{1}, {1}, {1}}, {{3, 67}, {67}, {3, 1}}};

/// A function of one variable. `kernel`: whether the message is a kernel's or that of a composition.
Row one(const std::string& name, Tensor (*op)(const Tensor&), double (*f)(double), Values x, bool kernel = false) {
  Row row;
  row.name = name;
  row.record = kernel ? name : "";
  row.op = [op](const Tensors& in) { return op(in[0]); };
  row.reference = [f](const Arrays& in) { return map(in[0], f); };
  row.inputs = {x};
  row.cases = singles;
  row.large = {{{130, 1031}}};
  row.misuse = [op] { op(zeros({2}, DType::i64)); };
  row.message =
      kernel ? "[" + name + "] does not take i64; convert with to(x, DType::f32) or DType::f64" : not_floating(name);
  return row;
}

Row two(const std::string& name, const std::string& record, Tensor (*op)(const Tensor&, const Tensor&),
        double (*f)(double, double), Values a, Values b) {
  Row row;
  row.name = name;
  row.record = record;
  row.op = [op](const Tensors& in) { return op(in[0], in[1]); };
  row.reference = [f](const Arrays& in) { return zip(in[0], in[1], f); };
  row.inputs = {a, b};
  row.cases = pairs;
  row.large = {{{130, 1031}, {1031}}};
  row.misuse = [op] { op(zeros({2, 3}), zeros({4})); };
  row.message = "[" + name + "] cannot broadcast shapes [2, 3] and [4]";
  return row;
}

Row three(const std::string& name, std::function<Tensor(const Tensors&)> op, std::function<Array(const Arrays&)> f,
          std::vector<Values> inputs) {
  Row row;
  row.name = name;
  row.op = std::move(op);
  row.reference = std::move(f);
  row.inputs = std::move(inputs);
  row.cases = triples;
  row.misuse = [op = row.op] { op({zeros({2}), zeros({2}), zeros({2}, DType::f64)}); };
  row.message = "[" + name + "] all tensors need one dtype, got f32 and f64";
  return row;
}

double python_remainder(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
double difference(double a, double b) { return a - b; }
double product(double a, double b) { return a * b; }

void add_functions(Rows& rows) {
  const Values any = uniform(-2, 2), positive = uniform(.3, 3);
  const auto add = [&](auto&&... arguments) { rows.push_back(one(arguments..., true)); };
  add("exp2", exp2, [](double v) { return std::exp2(v); }, any);
  add("log2", log2, [](double v) { return std::log2(v); }, positive);
  add("log10", log10, [](double v) { return std::log10(v); }, positive);
  add("asinh", asinh, [](double v) { return std::asinh(v); }, any);
  add("acosh", acosh, [](double v) { return std::acosh(v); }, uniform(1.3, 4));
  add("atanh", atanh, [](double v) { return std::atanh(v); }, uniform(-.8, .8));
  add("erfc", erfc, [](double v) { return std::erfc(v); }, uniform(-3, 3));
  add("trunc", trunc, [](double v) { return std::trunc(v); }, lattice(-2, 2));
  rows.push_back(one("frac", frac, [](double v) { return v - std::trunc(v); }, lattice(-2, 2)));
}

void add_arithmetic(Rows& rows) {
  const Values away = uniform(.5, 2), any = uniform(-2, 2);
  rows.push_back(two("atan2", "atan2", atan2, [](double y, double x) { return std::atan2(y, x); }, any, away));
  rows.push_back(two("hypot", "hypot", hypot, [](double a, double b) { return std::hypot(a, b); }, away, away));
  rows.push_back(two(
      "logaddexp", "logaddexp", logaddexp, [](double a, double b) { return std::log(std::exp(a) + std::exp(b)); }, any,
      any));
  // Quotients of odd sixteenths and whole numbers are not whole.
  const Values a = lattice(-9, 9);
  for (bool negative : {false, true}) {
    const auto add = [&](const char* name, Tensor (*op)(const Tensor&, const Tensor&), double (*f)(double, double)) {
      rows.push_back(two(name, name, op, f, a, negative ? whole(-4, -1) : whole(1, 5)));
      rows.back().takes = Takes::numbers;
    };
    add("fmod", fmod, [](double x, double y) { return std::fmod(x, y); });
    add("remainder", remainder, python_remainder);
    add("floor_divide", floor_divide, [](double x, double y) { return std::floor(x / y); });
  }

  rows.push_back(three(
      "lerp", [](const Tensors& in) { return lerp(in[0], in[1], in[2]); },
      [](const Arrays& in) {
        return zip(in[0], zip(zip(in[1], in[0], difference), in[2], product), [](double s, double d) { return s + d; });
      },
      {any, any, uniform(0, 1)}));
  rows.push_back(three(
      "addcmul", [](const Tensors& in) { return addcmul(in[0], in[1], in[2], 1.5); },
      [](const Arrays& in) {
        return zip(in[0], zip(in[1], in[2], product), [](double s, double d) { return s + 1.5 * d; });
      },
      {any, any, any}));
  rows.push_back(three(
      "addcdiv", [](const Tensors& in) { return addcdiv(in[0], in[1], in[2], 1.5); },
      [](const Arrays& in) {
        return zip(in[0], zip(in[1], in[2], [](double x, double y) { return x / y; }),
                   [](double s, double d) { return s + 1.5 * d; });
      },
      {any, any, away}));
  // The three lattices never meet.
  Row bounds = three(
      "clamp", [](const Tensors& in) { return clamp(in[0], in[1], in[2]); },
      [](const Arrays& in) {
        const Array raised = zip(in[0], in[1], [](double x, double l) { return x < l ? l : x; });
        return zip(raised, in[2], [](double x, double h) { return x > h ? h : x; });
      },
      {lattice(-2, 2, 1. / 64), lattice(-1, 0, 3. / 64), lattice(0, 1, 5. / 64)});
  bounds.takes = Takes::anything;
  rows.push_back(bounds);
}

/// Operations with a number in the place of a tensor.
void add_numbers(Rows& rows) {
  const auto add = [&](const char* name, Tensor (*op)(const Tensor&), double (*f)(double), Values x, Takes takes) {
    Row row = one(name, op, f, x);
    row.takes = takes;
    row.misuse = [op] { op({}); };
    row.message = "the tensor is undefined: it was never given a value";
    rows.push_back(row);
  };
  const Values steps = lattice(-2, 2);
  add(
      "clamp_min", [](const Tensor& x) { return clamp_min(x, -1); }, [](double v) { return v < -1 ? -1 : v; }, steps,
      Takes::numbers);
  add(
      "clamp_max", [](const Tensor& x) { return clamp_max(x, 1); }, [](double v) { return v > 1 ? 1 : v; }, steps,
      Takes::numbers);
  add(
      "maximum", [](const Tensor& x) { return maximum(maximum(x, -1), maximum(-1, x)); },
      [](double v) { return v < -1 ? -1 : v; }, steps, Takes::numbers);
  add(
      "minimum", [](const Tensor& x) { return minimum(minimum(x, 1), minimum(1, x)); },
      [](double v) { return v > 1 ? 1 : v; }, steps, Takes::numbers);
  add(
      "pow", [](const Tensor& x) { return pow(2, x); }, [](double v) { return std::exp2(v); }, uniform(-2, 2),
      Takes::floating);
  add(
      "lerp", [](const Tensor& x) { return lerp(x, x * x, .25); }, [](double v) { return v + .25 * (v * v - v); },
      uniform(-2, 2), Takes::floating);
  add(
      "fmod", [](const Tensor& x) { return fmod(x, 3); }, [](double v) { return std::fmod(v, 3); }, lattice(-9, 9),
      Takes::numbers);
  add(
      "remainder", [](const Tensor& x) { return remainder(x, 3); }, [](double v) { return python_remainder(v, 3); },
      lattice(-9, 9), Takes::numbers);
  add(
      "floor_divide", [](const Tensor& x) { return floor_divide(x, 3); }, [](double v) { return std::floor(v / 3); },
      lattice(-9, 9), Takes::numbers);
  add(
      "where", [](const Tensor& x) { return where(x > .5, x, where(x < -.5, 0, x)); },
      [](double v) { return v < -.5 ? 0 : v; }, steps, Takes::anything);
  add(
      "nan_to_num", [](const Tensor& x) { return nan_to_num(x); }, [](double v) { return v; }, uniform(-2, 2),
      Takes::anything);
}

void add_activations(Rows& rows) {
  const auto add = [&](auto&&... arguments) { rows.push_back(one(arguments...)); };
  const Values kink = lattice(-2, 2);
  add(
      "hardtanh", [](const Tensor& x) { return hardtanh(x, -1, 1.5); },
      [](double v) { return v < -1    ? -1
                            : v > 1.5 ? 1.5
                                      : v; }, kink);
  rows.back().record = "hardtanh";
  add("relu6", relu6, [](double v) { return v < 0 ? 0 : v > 6 ? 6 : v; }, lattice(-2, 8));
  add("hardsigmoid", hardsigmoid, [](double v) { return v < -3 ? 0 : v > 3 ? 1 : (v + 3) / 6; }, lattice(-5, 5));
  add("hardswish", hardswish, [](double v) { return v < -3 ? 0 : v > 3 ? v : v * (v + 3) / 6; }, lattice(-5, 5));
  add("mish", mish, [](double v) { return v * std::tanh(std::log1p(std::exp(v))); }, uniform(-9, 9));
  add(
      "selu", selu,
      [](double v) { return 1.0507009873554804934 * (v > 0 ? v : 1.6732632423543772848 * std::expm1(v)); }, kink);
  add(
      "celu", [](const Tensor& x) { return celu(x, 1.5); },
      [](double v) { return v > 0 ? v : 1.5 * std::expm1(v / 1.5); }, kink);
  add(
      "logsigmoid", logsigmoid,
      [](double v) { return v < 0 ? v - std::log1p(std::exp(v)) : -std::log1p(std::exp(-v)); }, uniform(-30, 30));
  add("softsign", softsign, [](double v) { return v / (1 + std::abs(v)); }, kink);
  rows.back().record = "softsign";
  add("tanhshrink", tanhshrink, [](double v) { return v - std::tanh(v); }, uniform(-2, 2));
  rows.back().tolerance32 = 1e-6;
  Row step = one(
      "threshold", [](const Tensor& x) { return threshold(x, .5, 1); }, [](double v) { return v > .5 ? v : 1; }, kink);
  step.takes = Takes::anything;
  step.misuse = [] { threshold(zeros({2}, DType::i64), 0, .5); };
  step.message = "[threshold] a tensor of i64 takes whole numbers, got 0.500000; convert with to(x, DType::f32)";
  rows.push_back(step);

  Row leaky = one("prelu", nullptr, nullptr, kink);
  leaky.op = [](const Tensors& in) { return prelu(in[0], in[1]); };
  leaky.reference = [](const Arrays& in) {
    Array out = in[0];
    each_index(out.shape, [&](const Index& i) {
      const double w = in[1].values[in[1].values.size() == 1 ? 0 : size_t(i[1])];
      if (out.at(i) < 0) out.at(i) *= w;
    });
    return out;
  };
  leaky.inputs = {kink, uniform(-1, 1)};
  leaky.cases = {{{2, 3}, {3}}, {{2, 3, 4}, {3}}, {{2, 3}, {1}}, {{4}, {}}, {{0, 3}, {3}}, {{1}, {1}}};
  leaky.large = {};
  leaky.misuse = [] { prelu(zeros({2, 3}), zeros({2})); };
  leaky.message = "[prelu] shape [2, 3] takes a weight of 1 or 3 elements, got shape [2]";
  rows.push_back(leaky);

  Row gated = one("glu", nullptr, nullptr, uniform(-4, 4));
  gated.op = [](const Tensors& in) { return glu(in[0]); };
  gated.reference = [](const Arrays& in) {
    const Array& x = in[0];
    const int last = x.rank() - 1;
    Shape half = x.shape;
    half[last] /= 2;
    const auto part = [&](int64_t first) {
      return pick(x, half, [&](Index i) {
        i[last] += first;
        return i;
      });
    };
    return zip(part(0), part(half[last]), [](double a, double b) { return a / (1 + std::exp(-b)); });
  };
  gated.cases = {{{2, 4}}, {{2}}, {{0, 4}}, {{2, 3, 6}}};
  gated.large = {};
  gated.misuse = [] { glu(zeros({2, 3})); };
  gated.message = "[glu] axis 1 of shape [2, 3] does not divide into two halves";
  rows.push_back(gated);
}

}  // namespace

Rows elementwise_rows() {
  Rows rows;
  add_functions(rows);
  add_arithmetic(rows);
  add_numbers(rows);
  add_activations(rows);
  return rows;
}

}  // namespace ditharos::tests
