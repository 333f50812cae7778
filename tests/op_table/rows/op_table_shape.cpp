// Rows of the op table: operations that move elements.
#include <algorithm>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

using Op = std::function<Tensor(const Tensor&)>;
using Reference = std::function<Array(const Array&)>;

Row moving(const std::string& name, const std::string& record, Op op, Reference reference, std::vector<Case> cases,
           std::function<void()> misuse, const std::string& message) {
  Row row;
  row.name = name;
  row.record = record;
  row.op = [op](const Tensors& in) { return op(in[0]); };
  row.reference = [reference](const Arrays& in) { return reference(in[0]); };
  row.inputs = {uniform(-2, 2)};
  row.cases = std::move(cases);
  row.takes = Takes::anything;
  row.tolerance = row.tolerance32 = 0;
  row.misuse = std::move(misuse);
  row.message = message;
  return row;
}

void add_reshapes(Rows& rows) {
  rows.push_back(moving(
      "reshape", "reshape", [](const Tensor& x) { return reshape(x, {-1, 4}); },
      [](const Array& x) { return reshaped(x, {int64_t(x.values.size()) / 4, 4}); },
      {{{2, 6}}, {{4, 3}}, {{2, 2, 2}}, {{2, 0}}, {{2, 2}}}, [] { reshape(zeros({2, 3}), {4, -1}); },
      "[reshape] shape [2, 3] has 6 elements, which do not fit into [4, -1]"));
  rows.push_back(moving(
      "reshape", "reshape", [](const Tensor& x) { return reshape(x, {}); },
      [](const Array& x) { return reshaped(x, {}); }, {{{1, 1}}, {{1}}}, [] { reshape(zeros({2, 3}), {-1, -1}); },
      "[reshape] only one size may be -1, got [-1, -1]"));
  rows.push_back(moving(
      "unsqueeze", "reshape", [](const Tensor& x) { return unsqueeze(x, -2); },
      [](const Array& x) {
        Shape shape = x.shape;
        shape.insert(x.rank() - 1, 1);
        return reshaped(x, shape);
      },
      {{{2, 3}}, {{4}}, {{2, 0}}, {{1}}, {{2, 3, 2}}}, [] { unsqueeze(zeros({2}), 2); },
      "[unsqueeze] axis 2 is out of range for a tensor of rank 2"));
  rows.push_back(moving(
      "squeeze", "reshape", [](const Tensor& x) { return squeeze(x, 1); },
      [](const Array& x) {
        Shape shape = x.shape;
        shape.erase(1);
        return reshaped(x, shape);
      },
      {{{2, 1, 3}}, {{4, 1}}, {{0, 1}}, {{1, 1}}}, [] { squeeze(zeros({2, 3}), 1); },
      "[squeeze] axis 1 of shape [2, 3] has not size 1"));
}

void add_permutations(Rows& rows) {
  rows.push_back(moving(
      "permute", "permute", [](const Tensor& x) { return permute(x, {2, 0, -2}); },
      [](const Array& x) {
        return pick(x, {x.shape[2], x.shape[0], x.shape[1]}, [](const Index& i) { return Index{i[1], i[2], i[0]}; });
      },
      {{{2, 3, 4}}, {{1, 1, 1}}, {{0, 2, 3}}, {{2, 1, 3}}}, [] { permute(zeros({2, 3}), {0, 0}); },
      "[permute] order [0, 0] lists an axis twice"));
  rows.push_back(moving(
      "transpose", "permute", [](const Tensor& x) { return transpose(x, 0, -1); },
      [](const Array& x) {
        Shape shape = x.shape;
        std::swap(shape[0], shape[shape.rank() - 1]);
        return pick(x, shape, [](Index i) {
          std::swap(i[0], i[i.rank() - 1]);
          return i;
        });
      },
      {{{2, 3}}, {{2, 3, 4}}, {{1}}, {{0, 3}}}, [] { transpose(zeros({2, 3}), 0, 2); },
      "[transpose] axis 2 is out of range for a tensor of rank 2"));
  // What a transposition costs shows in the copy.
  rows.push_back(moving(
      "contiguous", "contiguous", [](const Tensor& x) { return contiguous(transpose(x, 0, 1)); }, flipped,
      {{{2, 3}}, {{1, 1}}, {{0, 3}}, {{5, 67}}, {{33, 18}}}, [] { contiguous({}); },
      "the tensor is undefined: it was never given a value"));
  rows.back().large = {{{130, 1031}}, {{1031, 130}}};
}

void add_selections(Rows& rows) {
  const auto sliced = [](const Array& x, int axis, int64_t begin, int64_t end, int64_t step) {
    Shape shape = x.shape;
    shape[axis] = (end - begin + step - 1) / step;
    return pick(x, shape, [=](Index i) {
      i[axis] = begin + i[axis] * step;
      return i;
    });
  };
  rows.push_back(moving(
      "slice", "slice", [](const Tensor& x) { return slice(x, 1, 1, -1, 2); },
      [=](const Array& x) { return sliced(x, 1, 1, x.shape[1] - 1, 2); },
      {{{2, 5}}, {{3, 6, 2}}, {{0, 4}}, {{1, 3}}, {{2, 2}}}, [] { slice(zeros({2, 3}), 0, 1, 4); },
      "[slice] range 1:4 does not fit axis 0 of shape [2, 3]"));
  rows.push_back(moving(
      "slice", "slice", [](const Tensor& x) { return slice(x, 0, 0, 1); },
      [=](const Array& x) { return sliced(x, 0, 0, 1, 1); }, {{{3, 2}}, {{1}}, {{2, 0}}},
      [] { slice(zeros({2, 3}), 2, 0, 1); }, "[slice] axis 2 is out of range for a tensor of rank 2"));
  rows.push_back(moving(
      "select", "slice", [](const Tensor& x) { return select(x, -1, -2); },
      [=](const Array& x) {
        const int last = x.rank() - 1;
        Array out = sliced(x, last, x.shape[last] - 2, x.shape[last] - 1, 1);
        out.shape.erase(last);
        return out;
      },
      {{{2, 5}}, {{3, 2}}, {{0, 4}}, {{2}}}, [] { select(zeros({2, 3}), 1, -4); },
      "[select] index -4 is out of range for axis 1 of shape [2, 3]"));
  rows.push_back(moving(
      "chunk", "slice", [](const Tensor& x) { return chunk(x, 3, -1)[1]; },
      [=](const Array& x) {
        const int last = x.rank() - 1;
        const int64_t n = (x.shape[last] + 2) / 3;
        return sliced(x, last, n, std::min(2 * n, x.shape[last]), 1);
      },
      {{{2, 6}}, {{2, 7}}, {{2, 4}}, {{3}}, {{2, 0}}, {{0, 3}}}, [] { chunk(zeros({2, 4}), 0, 1); },
      "[chunk] the number of parts must be at least 1, got 0"));
  // The gradient of a slice, as a function of the gradient that comes in.
  rows.push_back(moving(
      "gradient of slice", "unslice",
      [](const Tensor& g) {
        GradMode recording(true);
        const Tensor base = zeros({g.size(0), 2 * g.size(1) + 1}, g.dtype()).set_requires_grad();
        return grad(slice(base, 1, 1, 2 * g.size(1) + 1, 2), base, g, {.create_graph = true});
      },
      [](const Array& g) {
        Array out({g.shape[0], 2 * g.shape[1] + 1});
        each_index(g.shape, [&](const Index& i) { out.at({i[0], 2 * i[1] + 1}) = g.at(i); });
        return out;
      },
      {{{2, 3}}, {{0, 2}}, {{2, 0}}, {{1, 1}}}, [] { slice(zeros({2, 3}), 1, 0, 2, 0); },
      "[slice] the step must be at least 1, got 0"));
  rows.back().takes = Takes::floating;
}

void add_joins(Rows& rows) {
  Row row = moving(
      "cat", "cat", {}, {},
      {{{2, 3}, {2, 1}, {2, 2}}, {{0, 1}, {0, 2}, {0, 0}}, {{2, 0}, {2, 1}, {2, 67}}, {{1, 1}, {1, 1}, {1, 1}}},
      [] { cat({zeros({2, 3}), zeros({3, 3})}, 1); }, "[cat] shapes [2, 3] and [3, 3] differ in more than axis 1");
  row.inputs = {uniform(-2, 2), uniform(-2, 2), uniform(-2, 2)};
  row.op = [](const Tensors& in) { return cat(in, -1); };
  row.reference = [](const Arrays& in) {
    Array out({in[0].shape[0], in[0].shape[1] + in[1].shape[1] + in[2].shape[1]});
    int64_t first = 0;
    for (const Array& part : in) {
      each_index(part.shape, [&](const Index& i) { out.at({i[0], first + i[1]}) = part.at(i); });
      first += part.shape[1];
    }
    return out;
  };
  row.large = {{{500, 131}, {500, 7}, {500, 300}}};
  rows.push_back(row);
  row.name = "stack";
  row.op = [](const Tensors& in) { return stack(in, 1); };
  row.reference = [](const Arrays& in) {
    Array out({in[0].shape[0], 3, in[0].shape[1]});
    for (int64_t k = 0; k < 3; ++k)
      each_index(in[0].shape, [&](const Index& i) { out.at({i[0], k, i[1]}) = in[size_t(k)].at(i); });
    return out;
  };
  row.cases = {{{2, 3}, {2, 3}, {2, 3}}, {{0, 2}, {0, 2}, {0, 2}}, {{1, 1}, {1, 1}, {1, 1}}};
  row.large = {{{500, 131}, {500, 131}, {500, 131}}};
  row.misuse = [] { stack({}, 0); };
  row.message = "[stack] there is nothing to stack";
  rows.push_back(row);
}

}  // namespace

Rows shape_rows() {
  Rows rows;
  add_reshapes(rows);
  add_permutations(rows);
  add_selections(rows);
  add_joins(rows);
  rows.push_back(moving(
      "expand", "expand", [](const Tensor& x) { return expand(x, {4, 2, 3}); },
      [](const Array& x) { return stretch(x, {4, 2, 3}); }, {{{2, 1}}, {{}}, {{1, 2, 3}}, {{1, 1}}, {{3}}},
      [] { expand(zeros({2, 3}), {2, 2}); }, "[expand] shape [2, 3] does not stretch to [2, 2]"));
  rows.push_back(moving(
      "expand", "expand", [](const Tensor& x) { return expand(x, {0, 3}); },
      [](const Array& x) { return stretch(x, {0, 3}); }, {{{1, 3}}, {{}}, {{0, 3}}}, [] { expand(zeros({2, 3}), {3}); },
      "[expand] shape [2, 3] does not stretch to [3]"));
  // In f32 differences are coarse; the map is linear, so long steps do no harm.
  Row row = moving(
      "to", "to", [](const Tensor& x) { return to(to(x, DType::f32), DType::f64); }, [](const Array& x) { return x; },
      {{{2, 3}}, {{}}, {{0, 2}}, {{3, 67}}}, [] { to({}, DType::f64); },
      "the tensor is undefined: it was never given a value");
  row.large = {{{130, 1031}}};
  row.tolerance = 1e-7;
  row.step = .25;
  row.gradcheck_tolerance = 1e-5;
  row.tangent_tolerance = 1e-6;
  rows.push_back(row);
  return rows;
}

}  // namespace ditharos::tests
