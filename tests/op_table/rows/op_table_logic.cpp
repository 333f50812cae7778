// Rows of the op table: logic and masks.
#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

Row logic(const std::string& name, Tensor (*op)(const Tensor&, const Tensor&), bool (*f)(bool, bool)) {
  Row row;
  row.name = name;
  row.op = [op](const Tensors& in) { return op(in[0], in[1]); };
  row.reference = [f](const Arrays& in) {
    return zip(in[0], in[1], [f](double x, double y) { return f(x != 0, y != 0) ? 1.0 : 0.0; });
  };
  row.inputs = {flags(), flags()};
  row.cases = {{{2, 3}, {2, 3}}, {{2, 1, 3}, {4, 1}}, {{3}, {}}, {{0, 3}, {3}}, {{1}, {1}}, {{3, 67}, {67}}};
  row.takes = Takes::anything;
  row.order = 0;
  row.misuse = [op] { op(zeros({2}), zeros({2})); };
  row.message = "[" + name + "] works on booleans, got f32; compare first, as in not_equal(x, zero)";
  return row;
}

Row negation() {
  Row row = logic("logical_not", nullptr, nullptr);
  row.op = [](const Tensors& in) { return logical_not(in[0]); };
  row.reference = [](const Arrays& in) { return map(in[0], [](double x) { return x == 0 ? 1.0 : 0.0; }); };
  row.inputs = {flags()};
  row.cases = {{{2, 3}}, {{}}, {{1}}, {{0, 3}}, {{3, 67}}};
  row.misuse = [] { logical_not(zeros({2}, DType::u8)); };
  row.message = "[logical_not] works on booleans, got u8; compare first, as in not_equal(x, zero)";
  return row;
}

Row filling() {
  Row row;
  row.name = "masked_fill";
  row.op = [](const Tensors& in) { return masked_fill(in[0], in[1], 1); };
  row.reference = [](const Arrays& in) {
    const Array mask = stretch(in[1], in[0].shape);
    Array out = in[0];
    for (size_t i = 0; i < out.values.size(); ++i)
      if (mask.values[i] != 0) out.values[i] = 1;
    return out;
  };
  row.inputs = {uniform(-2, 2), flags()};
  row.cases = {{{2, 3}, {2, 3}}, {{2, 3}, {3}}, {{2, 3}, {2, 1}}, {{0, 3}, {3}}, {{1}, {1}}, {{3, 67}, {67}}};
  row.large = {{{130, 1031}, {130, 1031}}};
  row.takes = Takes::anything;
  row.misuse = [] { masked_fill(zeros({3}), zeros({2, 3}, DType::boolean), 0); };
  row.message = "[masked_fill] a mask of shape [2, 3] does not stretch to shape [3]";
  return row;
}

Row selecting() {
  Row row = filling();
  row.name = "masked_select";
  row.op = [](const Tensors& in) { return masked_select(in[0], in[1]); };
  row.reference = [](const Arrays& in) {
    const Array mask = stretch(in[1], in[0].shape);
    Array out;
    for (size_t i = 0; i < mask.values.size(); ++i)
      if (mask.values[i] != 0) out.values.push_back(in[0].values[i]);
    out.shape = {int64_t(out.values.size())};
    return out;
  };
  row.misuse = [] { masked_select(zeros({3}), zeros({3})); };
  row.message = "[masked_select] works on booleans, got f32; compare first, as in not_equal(x, zero)";
  return row;
}

Row triangle(const std::string& name, bool lower, int64_t diagonal) {
  Row row;
  row.name = name;
  row.op = [=](const Tensors& in) { return lower ? tril(in[0], diagonal) : triu(in[0], diagonal); };
  row.reference = [=](const Arrays& in) {
    Array out = in[0];
    each_index(out.shape, [&](const Index& i) {
      const int64_t above = i[i.rank() - 1] - i[i.rank() - 2];
      if (lower ? above > diagonal : above < diagonal) out.at(i) = 0;
    });
    return out;
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = {{{3, 4}}, {{2, 5, 3}}, {{1, 1}}, {{0, 3}}, {{2, 0}}, {{7, 67}}};
  row.large = {{{130, 1031}}};
  row.takes = Takes::anything;
  row.misuse = [op = row.op] { op({zeros({3})}); };
  row.message = "[" + name + "] needs at least two axes, got shape [3]";
  return row;
}

}  // namespace

Rows logic_rows() {
  Rows rows{logic("logical_and", logical_and, [](bool a, bool b) { return a && b; }),
            logic("logical_or", logical_or, [](bool a, bool b) { return a || b; }),
            logic("logical_xor", logical_xor, [](bool a, bool b) { return a != b; }),
            negation(),
            filling(),
            selecting()};
  for (int64_t diagonal : {0, 2, -1}) {
    rows.push_back(triangle("tril", true, diagonal));
    rows.push_back(triangle("triu", false, diagonal));
  }
  return rows;
}

}  // namespace ditharos::tests
