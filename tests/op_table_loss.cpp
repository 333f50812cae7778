// Rows of the op table: softmax and losses.
#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/tests/op_table.h>

namespace ditharos::tests {
namespace {

std::vector<double> log_softmax_of(const std::vector<double>& v) {
  std::vector<double> out = softmax_of(v);
  std::transform(out.begin(), out.end(), out.begin(), [](double p) { return std::log(p); });
  return out;
}

using Rowwise = std::vector<double> (*)(const std::vector<double>&);

Row normalising(const std::string& name, Tensor (*op)(const Tensor&, int), Rowwise f, int axis) {
  Row row;
  row.name = row.record = name;
  row.op = [=](const Tensors& in) { return op(in[0], axis); };
  row.reference = [=](const Arrays& in) { return map_rows(in[0], axis, f); };
  row.inputs = {uniform(-3, 3)};
  row.cases = {{{2, 3}}, {{2, 3, 4}}, {{1, 1}}, {{0, 3}}, {{3, 0}}, {{5, 67}}, {{2, 33, 3}}};
  row.large = {{{130, 1031}}, {{1031, 130}}};
  row.misuse = [op] { op(zeros({2, 3}), 2); };
  row.message = "[" + name + "] axis 2 is out of range for a tensor of rank 2";
  return row;
}

Row mean_of_differences(const std::string& name, Tensor (*op)(const Tensor&, const Tensor&), double (*f)(double)) {
  Row row;
  row.name = name;
  row.op = [op](const Tensors& in) { return op(in[0], in[1]); };
  row.reference = [f](const Arrays& in) {
    return reduce(zip(in[0], in[1], [f](double a, double b) { return f(a - b); }), {}, false, mean_of);
  };
  row.inputs = {lattice(-2, 2, 1. / 32), lattice(-2, 2, 3. / 32)};  // never equal: |x| has no kink there
  row.cases = {{{2, 3}, {2, 3}}, {{}, {}}, {{1}, {1}}, {{3, 67}, {3, 67}}};
  row.large = {{{130, 1031}, {130, 1031}}};
  row.misuse = [op] { op(zeros({4}), zeros({4, 1})); };
  row.message = "[" + name + "] the prediction has shape [4], the target [4, 1]; they must be equal";
  return row;
}

Row entropy() {
  Row row;
  row.name = row.record = "cross_entropy";
  row.op = [](const Tensors& in) { return cross_entropy(in[0], in[1]); };
  row.reference = [](const Arrays& in) {
    const Array p = map_rows(in[0], 1, softmax_of);
    double total = 0;
    for (int64_t i = 0; i < p.shape[0]; ++i) total -= std::log(p.at({i, int64_t(in[1].at({i}))}));
    return Array(Shape{}, total / double(p.shape[0]));
  };
  row.inputs = {uniform(-3, 3), index_below(3)};
  row.cases = {{{2, 3}, {2}}, {{5, 7}, {5}}, {{1, 3}, {1}}, {{4, 67}, {4}}};
  row.large = {{{1031, 130}, {1031}}};
  row.misuse = [] { cross_entropy(zeros({2, 3}), from_vector<int64_t>({0, 3})); };
  row.message = "[cross_entropy] label 3 of row 1 is not in [0, 3)";
  return row;
}

}  // namespace

Rows loss_rows() {
  Rows rows;
  for (int axis : {-1, 0}) {
    rows.push_back(normalising("softmax", softmax, softmax_of, axis));
    rows.push_back(normalising("log_softmax", log_softmax, log_softmax_of, axis));
  }
  rows.push_back(entropy());
  rows.push_back(mean_of_differences("mse_loss", mse_loss, [](double d) { return d * d; }));
  rows.push_back(mean_of_differences("l1_loss", l1_loss, [](double d) { return std::abs(d); }));
  return rows;
}

}  // namespace ditharos::tests
