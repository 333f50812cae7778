// Rows of the op table: reductions.
#include <algorithm>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

using Reduction = Tensor (*)(const Tensor&, const AxisOrAxes&, bool);
using OneAxis = std::function<Tensor(const Tensor&, int, bool)>;
using Run = double (*)(const std::vector<double>&);

Row reduction(const std::string& name, const std::string& record, Reduction op, Run f, const Axes& axes, bool keepdim) {
  Row row;
  row.name = name;
  row.record = record;
  row.op = [=](const Tensors& in) { return op(in[0], axes, keepdim); };
  row.reference = [=](const Arrays& in) { return reduce(in[0], axes, keepdim, f); };
  row.inputs = {uniform(-2, 2)};
  row.cases = {{{2, 3, 4}}, {{1, 1, 1}}, {{3, 5, 67}}, {{67, 2, 3}}};
  row.large = {{{13, 107, 131}}, {{2, 3, 40001}}, {{30011, 2, 5}}};
  row.misuse = [op] { op(zeros({2, 3}), {2}, false); };
  row.message = "[sum] axis 2 is out of range for a tensor of rank 2";
  return row;
}

Row one_axis(const std::string& name, const std::string& record, OneAxis op, Run f, int axis, bool keepdim,
             Values values) {
  Row row;
  row.name = name;
  row.record = record;
  row.op = [=](const Tensors& in) { return op(in[0], axis, keepdim); };
  row.reference = [=](const Arrays& in) { return reduce(in[0], {axis}, keepdim, f); };
  row.inputs = {values};
  row.cases = {{{2, 3, 4}}, {{1, 1, 1}}, {{3, 5, 67}}, {{5, 3, 2}}, {{3, 0, 2}}, {{0, 3, 2}}};
  if (axis == 1) row.cases[4] = {{3, 2, 0}};  // an axis without elements has no result
  if (axis == 0) row.cases.pop_back();
  row.large = {{{13, 107, 131}}, {{2, 3, 40001}}};
  row.misuse = [op] { op(zeros({2, 3}), -3, false); };
  row.message = "[" + name + "] axis -3 is out of range for a tensor of rank 2";
  return row;
}

double largest(const std::vector<double>& v) { return *std::max_element(v.begin(), v.end()); }
double place_of_largest(const std::vector<double>& v) {
  return double(std::max_element(v.begin(), v.end()) - v.begin());
}

double smallest(const std::vector<double>& v) { return *std::min_element(v.begin(), v.end()); }
double place_of_smallest(const std::vector<double>& v) {
  return double(std::min_element(v.begin(), v.end()) - v.begin());
}

Row sum_to_row(const Shape& target, const std::vector<Case>& cases) {
  Row row;
  row.name = row.record = "sum_to";
  row.op = [=](const Tensors& in) { return sum_to(in[0], target); };
  row.reference = [=](const Arrays& in) {
    Array out(target);
    each_index(in[0].shape, [&](const Index& i) {
      Index to;
      for (int k = 0; k < target.rank(); ++k) to.push_back(target[k] == 1 ? 0 : i[i.rank() - target.rank() + k]);
      out.at(to) += in[0].at(i);
    });
    return out;
  };
  row.inputs = {uniform(-2, 2)};
  row.takes = Takes::anything;
  row.cases = cases;
  row.misuse = [] { sum_to(zeros({2, 3}), {2}); };
  row.message = "[sum_to] shape [2, 3] does not sum down to [2]";
  return row;
}

}  // namespace

Rows reduction_rows() {
  Rows rows;
  struct Choice {
    Axes axes;
    bool keepdim;
  };
  for (const Choice& c : {Choice{{}, false}, {{}, true}, {{0}, false}, {{-1}, true}, {{0, 2}, false}, {{1}, false}}) {
    Row row = reduction("sum", "sum", sum, sum_of, c.axes, c.keepdim);
    row.cases.push_back({{2, 0, 3}});
    row.cases.push_back({{0, 2, 3}});
    row.takes = Takes::anything;  // booleans are counted
    rows.push_back(row);
    row = reduction("mean", "", mean, mean_of, c.axes, c.keepdim);
    row.misuse = [] { mean(zeros({2, 0})); };
    row.message = "[mean] shape [2, 0] has no elements to average";
    rows.push_back(row);
  }
  const Values values = apart(-100, 100);
  const auto add = [&](const char* name, const char* record, OneAxis op, Run f, int axis, bool keepdim) {
    rows.push_back(one_axis(name, record, op, f, axis, keepdim, values));
    rows.back().takes = Takes::anything;
    if (std::string(name).starts_with("arg")) rows.back().order = 0;
  };
  const auto over = [](Reduction op) {
    return [op](const Tensor& x, int axis, bool keepdim) { return op(x, {axis}, keepdim); };
  };
  for (int axis : {0, 1, -1})
    for (bool keepdim : {false, true}) {
      add("amax", "amax", over(amax), largest, axis, keepdim);
      add("amin", "amin", over(amin), smallest, axis, keepdim);
      add(
          "argmax", "", [](const Tensor& x, int a, bool keep) { return argmax(x, a, keep); }, place_of_largest, axis,
          keepdim);
      add(
          "argmin", "", [](const Tensor& x, int a, bool keep) { return argmin(x, a, keep); }, place_of_smallest, axis,
          keepdim);
      add(
          "max", "gather", [](const Tensor& x, int a, bool keep) { return max(x, a, keep).values; }, largest, axis,
          keepdim);
      add(
          "min", "gather", [](const Tensor& x, int a, bool keep) { return min(x, a, keep).values; }, smallest, axis,
          keepdim);
    }
  for (const Axes& axes : {Axes{}, Axes{0, 2}, Axes{-1, 1}}) {
    rows.push_back(reduction("amax", "amax", amax, largest, axes, false));
    rows.push_back(reduction("amin", "amin", amin, smallest, axes, true));
    for (Row* row : {&rows[rows.size() - 2], &rows.back()}) {
      row->inputs = {values};
      row->takes = Takes::anything;
      row->message = "[" + row->name + "] axis 2 is out of range for a tensor of rank 2";
    }
  }
  rows.push_back(sum_to_row({3, 1}, {{{3, 4}}, {{2, 3, 4}}, {{3, 1}}, {{5, 3, 67}}, {{0, 3, 4}}, {{3, 0}}}));
  rows.push_back(sum_to_row({}, {{{2, 3}}, {{}}, {{1}}, {{0, 2}}}));
  rows.push_back(sum_to_row({67}, {{{3, 67}}, {{67}}, {{2, 3, 67}}}));
  rows.back().large = {{{2003, 67}}, {{11, 197, 67}}};
  return rows;
}

}  // namespace ditharos::tests
