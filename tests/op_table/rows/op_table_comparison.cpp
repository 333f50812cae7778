// Rows of the op table: comparison operators, comparisons with numbers, bits, and tests for special numbers.
#include <cmath>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

const std::vector<Case> singles = {{{2, 3}}, {{}}, {{1}}, {{0, 3}}, {{3, 67}}};
const std::vector<Case> pairs = {{{2, 3}, {2, 3}}, {{2, 1, 3}, {4, 1}}, {{3}, {}},
                                 {{0, 3}, {3}},    {{1}, {1}},          {{3, 67}, {67}}};
constexpr const char* undefined = "the tensor is undefined: it was never given a value";

Row flags_of(const std::string& name, std::function<Tensor(const Tensors&)> op,
             std::function<Array(const Arrays&)> reference, std::vector<Values> inputs) {
  Row row;
  row.name = name;
  row.op = std::move(op);
  row.reference = std::move(reference);
  row.inputs = std::move(inputs);
  row.cases = row.inputs.size() == 1 ? singles : pairs;
  row.takes = Takes::anything;
  row.order = 0;
  row.misuse = [op = row.op, n = row.inputs.size()] { op(Tensors(n)); };
  row.message = undefined;
  return row;
}

using Two = Tensor (*)(const Tensor&, const Tensor&);
using Number = Tensor (*)(const Tensor&);
using Holds = bool (*)(double, double);

/// One sign: its operators, and the function with a number.
void add_comparison(Rows& rows, const std::string& sign, const std::string& name, Two op, Number right, Number left,
                    Number function, Holds holds) {
  const Values x = whole(-2, 3);
  rows.push_back(flags_of(
      sign, [op](const Tensors& in) { return op(in[0], in[1]); },
      [holds](const Arrays& in) {
        return zip(in[0], in[1], [holds](double a, double b) { return double(holds(a, b)); });
      },
      {x, x}));
  rows.back().misuse = [op] { op(zeros({2, 3}), zeros({4})); };
  rows.back().message = "[" + name + "] cannot broadcast shapes [2, 3] and [4]";
  const auto add = [&](const std::string& row_name, Number f, double number, bool turned) {
    rows.push_back(flags_of(
        row_name, [f](const Tensors& in) { return f(in[0]); },
        [=](const Arrays& in) {
          return map(in[0], [=](double v) { return double(turned ? holds(number, v) : holds(v, number)); });
        },
        {x}));
  };
  add("tensor " + sign + " number", right, 1, false);
  add("number " + sign + " tensor", left, 1, true);
  add(name, function, .5, false);
}

Row bits(const std::string& name, Two op, Holds holds, bool flags_only) {
  Row row = flags_of(
      name, [op](const Tensors& in) { return op(in[0], in[1]); },
      [holds](const Arrays& in) {
        return zip(in[0], in[1], [holds](double a, double b) { return double(holds(a, b)); });
      },
      {flags(), flags()});
  if (!flags_only) {
    row.inputs = {index_below(16), index_below(16)};
    row.reference = [holds](const Arrays& in) {
      return zip(in[0], in[1], [holds](double a, double b) {
        int64_t result = 0;
        for (int bit = 0; bit < 4; ++bit)
          result |= int64_t(holds((int64_t(a) >> bit) & 1, (int64_t(b) >> bit) & 1)) << bit;
        return double(result);
      });
    };
  }
  row.misuse = [op] { op(zeros({2}), zeros({2})); };
  const std::string function = name == "&"   ? "bitwise_and"
                               : name == "|" ? "bitwise_or"
                               : name == "^" ? "bitwise_xor"
                                             : name;
  row.message = "[" + function + "] works on booleans and integers, got f32";
  return row;
}

Row inverted(const std::string& name, Number op, bool flags_only) {
  Row row = flags_of(
      name, [op](const Tensors& in) { return op(in[0]); },
      [=](const Arrays& in) { return map(in[0], [=](double v) { return flags_only ? double(v == 0) : -v - 1; }); },
      {flags_only ? flags() : index_below(16)});
  row.misuse = [op] { op(zeros({2})); };
  row.message = "[bitwise_not] works on booleans and integers, got f32";
  return row;
}

}  // namespace

Rows comparison_rows() {
  Rows rows;
  using T = const Tensor&;
  add_comparison(
      rows, "==", "equal", [](T a, T b) { return a == b; }, [](T a) { return a == 1; }, [](T a) { return 1 == a; },
      [](T a) { return equal(a, .5); }, [](double a, double b) { return a == b; });
  add_comparison(
      rows, "!=", "not_equal", [](T a, T b) { return a != b; }, [](T a) { return a != 1; }, [](T a) { return 1 != a; },
      [](T a) { return not_equal(a, .5); }, [](double a, double b) { return a != b; });
  add_comparison(
      rows, "<", "less", [](T a, T b) { return a < b; }, [](T a) { return a < 1; }, [](T a) { return 1 < a; },
      [](T a) { return less(a, .5); }, [](double a, double b) { return a < b; });
  add_comparison(
      rows, "<=", "less_equal", [](T a, T b) { return a <= b; }, [](T a) { return a <= 1; }, [](T a) { return 1 <= a; },
      [](T a) { return less_equal(a, .5); }, [](double a, double b) { return a <= b; });
  add_comparison(
      rows, ">", "greater", [](T a, T b) { return a > b; }, [](T a) { return a > 1; }, [](T a) { return 1 > a; },
      [](T a) { return greater(a, .5); }, [](double a, double b) { return a > b; });
  add_comparison(
      rows, ">=", "greater_equal", [](T a, T b) { return a >= b; }, [](T a) { return a >= 1; },
      [](T a) { return 1 >= a; }, [](T a) { return greater_equal(a, .5); }, [](double a, double b) { return a >= b; });
  const Holds both = [](double a, double b) { return a != 0 && b != 0; };
  const Holds either = [](double a, double b) { return a != 0 || b != 0; };
  const Holds one = [](double a, double b) { return (a != 0) != (b != 0); };
  for (bool flags_only : {true, false}) {
    rows.push_back(bits("bitwise_and", bitwise_and, both, flags_only));
    rows.push_back(bits("bitwise_or", bitwise_or, either, flags_only));
    rows.push_back(bits("bitwise_xor", bitwise_xor, one, flags_only));
    rows.push_back(inverted("bitwise_not", bitwise_not, flags_only));
  }
  rows.push_back(bits("&", [](T a, T b) { return a & b; }, both, true));
  rows.push_back(bits("|", [](T a, T b) { return a | b; }, either, true));
  rows.push_back(bits("^", [](T a, T b) { return a ^ b; }, one, true));
  rows.push_back(inverted("~tensor", [](T a) { return ~a; }, true));

  const Values any = uniform(-2, 2);
  const auto constant = [&](const std::string& name, Number f, double value) {
    rows.push_back(flags_of(
        name, [f](const Tensors& in) { return f(in[0]); },
        [value](const Arrays& in) { return Array(in[0].shape, value); }, {any}));
  };
  constant("isnan", isnan, 0);
  constant("isinf", isinf, 0);
  constant("isfinite", isfinite, 1);
  rows.push_back(flags_of(
      "isclose", [](const Tensors& in) { return isclose(in[0], in[1], .25, .5); },
      [](const Arrays& in) {
        return zip(in[0], in[1], [](double a, double b) { return double(std::abs(a - b) <= .5 + .25 * std::abs(b)); });
      },
      {whole(-3, 4), whole(-3, 4)}));
  rows.back().misuse = [] { isclose(zeros({2}), zeros({2}), -1); };
  rows.back().message = "[isclose] tolerances cannot be negative, got -1.000000 and 0.000000";
  return rows;
}

}  // namespace ditharos::tests
