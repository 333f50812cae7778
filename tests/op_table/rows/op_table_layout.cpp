// Rows of the op table: shapes, diagonals and repetition (autograd/ops/layout/).
#include <algorithm>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"
#include "tests/op_table/rows/moving_row.h"

namespace ditharos::tests {
namespace {

Row moving(const std::string& name, MovingOp op, std::function<Shape(Shape)> shape, Source source,
           std::vector<Case> cases, std::function<void()> misuse, const std::string& message) {
  Row row = tests::moving(name, "", std::move(op), std::move(shape), std::move(source), std::move(cases));
  refuses(row, std::move(misuse), message);
  return row;
}

/// The result has the elements of x in their order.
Row reshaping(const std::string& name, MovingOp op, std::function<Shape(Shape)> shape, std::vector<Case> cases,
              std::function<void()> misuse, const std::string& message) {
  Row row = moving(name, op, {}, {}, std::move(cases), std::move(misuse), message);
  row.reference = [shape](const Arrays& in) { return reshaped(in[0], shape(in[0].shape)); };
  return row;
}

void add_shapes(Rows& rows) {
  const auto same = [](Shape s) { return s; };
  rows.push_back(reshaping(
      "clone", [](const Tensor& x) { return clone(x); }, same, {{{2, 3}}, {{}}, {{1}}, {{0, 3}}}, [] { clone({}); },
      "the tensor is undefined: it was never given a value"));
  rows.back().record = "clone";
  rows.push_back(reshaping(
      "flatten", [](const Tensor& x) { return flatten(x, 1, -1); },
      [](Shape s) {
        Shape out{s[0], 1};
        for (int i = 1; i < s.rank(); ++i) out[1] *= s[i];
        return out;
      },
      {{{2, 3, 4}}, {{2, 3}}, {{1, 1}}, {{0, 3, 2}}}, [] { flatten(zeros({2, 3}), 1, 0); },
      "[flatten] the first axis 1 comes after the last one, 0"));
  rows.push_back(reshaping(
      "unflatten", [](const Tensor& x) { return unflatten(x, -1, {-1, 1}); },
      [](Shape s) {
        s.push_back(1);
        return s;
      },
      {{{2, 6}}, {{1}}, {{0, 3}}}, [] { unflatten(zeros({2, 6}), 1, {4, -1}); },
      "[unflatten] axis 1 of shape [2, 6] does not divide into [4, -1]"));
  rows.push_back(reshaping(
      "squeeze", [](const Tensor& x) { return squeeze(x); },
      [](Shape s) {
        Shape out;
        for (int64_t n : s)
          if (n != 1) out.push_back(n);
        return out;
      },
      {{{2, 1, 3}}, {{1}}, {{1, 0}}}, [] { squeeze({}); }, "the tensor is undefined: it was never given a value"));
  rows.push_back(moving(
      "movedim", [](const Tensor& x) { return movedim(x, 0, -1); },
      [](Shape s) {
        std::rotate(s.begin(), s.begin() + 1, s.end());
        return s;
      },
      [](Index i, const Shape&) {
        std::rotate(i.begin(), i.end() - 1, i.end());
        return i;
      },
      {{{2, 3, 4}}, {{2, 3}}, {{1}}, {{0, 3}}}, [] { movedim(zeros({2, 3}), {0, 0}, {0, 1}); },
      "[movedim] axes [0, 0] to [0, 1] list an axis twice"));
  rows.push_back(moving(
      "unbind",
      [](const Tensor& x) {
        const std::vector<Tensor> parts = unbind(x, 1);
        return parts.empty() ? x : parts.back();
      },
      [](Shape s) {
        s.erase(1);
        return s;
      },
      [](Index i, const Shape& s) {
        i.insert(1, s[1] - 1);
        return i;
      },
      {{{2, 3}}, {{3, 2, 4}}, {{0, 3}}, {{1, 1}}}, [] { unbind(zeros({2}), 1); },
      "[unbind] axis 1 is out of range for a tensor of rank 1"));
  rows.push_back(moving(
      "rot90", [](const Tensor& x) { return rot90(x, -3); },
      [](Shape s) {
        std::swap(s[0], s[1]);
        return s;
      },
      [](Index i, const Shape& s) {
        const int64_t row = i[1], column = s[1] - 1 - i[0];
        i[0] = row, i[1] = column;
        return i;
      },
      {{{2, 3}}, {{3, 2, 4}}, {{0, 3}}, {{1, 1}}}, [] { rot90(zeros({2, 3}), 1, 1, -1); },
      "[rot90] needs two different axes, got 1 twice"));
  for (int64_t turns : {2, 3, 4}) {
    rows.push_back(rows.back());
    rows.back().op = [turns](const Tensors& in) { return rot90(in[0], turns); };
    rows.back().reference = [turns, quarter = (rows.end() - turns)->reference](const Arrays& in) {
      Arrays turned{in[0]};
      for (int64_t k = 0; k < turns % 4; ++k) turned[0] = quarter(turned);
      return turned[0];
    };
  }
  const auto stretched = [](Shape s) {
    s.insert(0, 4);
    return s;
  };
  rows.push_back(moving(
      "broadcast_to", [stretched](const Tensor& x) { return broadcast_to(x, stretched(x.shape())); }, stretched,
      [](Index i, const Shape&) {
        i.erase(0);
        return i;
      },
      {{{2, 3}}, {{}}, {{1}}, {{0, 3}}}, [] { broadcast_to(zeros({2}), {3}); },
      "[broadcast_to] shape [2] does not stretch to [3]"));
  rows.push_back(rows.back());
  rows.back().name = "broadcast_tensors";
  rows.back().op = [](const Tensors& in) {
    Shape ones{4};
    while (ones.rank() <= in[0].rank()) ones.push_back(1);
    return broadcast_tensors({zeros(ones), in[0]})[1];
  };
  rows.back().misuse = [] { broadcast_tensors({zeros({2}), zeros({3})}); };
  rows.back().message = "[broadcast_tensors] cannot broadcast shapes [2] and [3]";
}

Row joining(const std::string& name, Tensor (*op)(const std::vector<Tensor>&), int axis, std::vector<Case> cases) {
  Row row;
  row.name = name;
  row.op = [op](const Tensors& in) { return op(in); };
  row.reference = [axis](const Arrays& in) {
    const bool as_rows = axis == 0 && in[0].rank() == 1;
    const int along = in[0].rank() == 1 ? 0 : axis;
    Shape shape = in[0].shape;
    if (as_rows) shape = {2, shape[0]};
    else shape[along] += in[1].shape[along];
    Array out(shape);
    each_index(shape, [&](const Index& i) {
      const int64_t first = as_rows ? 1 : in[0].shape[along];
      Index from = i;
      const bool second = i[along] >= first;
      if (as_rows) from.erase(0);
      else if (second) from[along] -= first;
      out.at(i) = in[second].at(from);
    });
    return out;
  };
  row.inputs = {uniform(-2, 2), uniform(-2, 2)};
  row.cases = std::move(cases);
  row.takes = Takes::anything;
  row.misuse = [op] { op({zeros({2}), zeros({2}, DType::f64)}); };
  row.message = "[" + name + "] all tensors need one dtype, got f32 and f64";
  return row;
}

void add_diagonals(Rows& rows) {
  for (int64_t offset : {1, -1, 7}) {
    Row row = moving(
        "diagonal", [offset](const Tensor& x) { return diagonal(x, offset, -2, -1); },
        [offset](Shape s) {
          const int64_t r = s[s.rank() - 2] + std::min<int64_t>(offset, 0);
          const int64_t c = s[s.rank() - 1] - std::max<int64_t>(offset, 0);
          s.erase(s.rank() - 1);
          s[s.rank() - 1] = std::max<int64_t>(0, std::min(r, c));
          return s;
        },
        [offset](Index i, const Shape&) {
          const int64_t k = i.back();
          i[i.rank() - 1] = k + std::max<int64_t>(-offset, 0);
          i.push_back(k + std::max<int64_t>(offset, 0));
          return i;
        },
        {{{3, 4}}, {{2, 5, 3}}, {{1, 1}}, {{0, 3}}, {{3, 67}}}, [] { diagonal(zeros({2, 3}), 0, 1, -1); },
        "[diagonal] needs two different axes, got 1 twice");
    rows.push_back(row);
  }
  for (int64_t offset : {0, 2, -1}) {
    Row row;
    row.name = "diag_embed";
    row.op = [offset](const Tensors& in) { return diag_embed(in[0], offset); };
    row.reference = [offset](const Arrays& in) {
      Shape shape = in[0].shape;
      const int last = shape.rank() - 1;
      shape[last] += std::abs(offset);
      shape.push_back(shape[last]);
      Array out(shape);
      each_index(in[0].shape, [&](const Index& i) {
        Index to = i;
        to[last] += std::max<int64_t>(-offset, 0);
        to.push_back(i[last] + std::max<int64_t>(offset, 0));
        out.at(to) = in[0].at(i);
      });
      return out;
    };
    row.inputs = {uniform(-2, 2)};
    row.cases = {{{3}}, {{2, 4}}, {{1}}, {{0}}};
    row.takes = Takes::anything;
    row.misuse = [] { diag_embed(zeros({})); };
    row.message = "[diag_embed] needs at least one axis, got a scalar";
    rows.push_back(row);
    row.name = "diag";
    row.op = [offset](const Tensors& in) { return diag(in[0], offset); };
    row.cases = {{{3}}, {{1}}, {{0}}};
    row.misuse = [] { diag(zeros({2, 2, 2})); };
    row.message = "[diag] needs a vector or a matrix, got shape [2, 2, 2]";
    rows.push_back(row);
  }
  Row diagonal_of = rows[rows.size() - 9];
  diagonal_of.name = "diag";
  diagonal_of.op = [](const Tensors& in) { return diag(in[0], 1); };
  diagonal_of.cases = {{{3, 4}}, {{0, 3}}, {{1, 1}}};
  diagonal_of.misuse = rows.back().misuse;
  diagonal_of.message = rows.back().message;
  rows.push_back(diagonal_of);

  Row sums;
  sums.name = "trace";
  sums.op = [](const Tensors& in) { return trace(in[0]); };
  sums.reference = [](const Arrays& in) {
    Array out({}, 0);
    for (int64_t i = 0; i < std::min(in[0].shape[0], in[0].shape[1]); ++i) out.values[0] += in[0].at({i, i});
    return out;
  };
  sums.inputs = {uniform(-2, 2)};
  sums.cases = {{{3, 4}}, {{5, 2}}, {{1, 1}}, {{0, 3}}};
  sums.takes = Takes::anything;
  sums.misuse = [] { trace(zeros({3})); };
  sums.message = "[trace] needs a matrix, got shape [3]";
  rows.push_back(sums);
}

void add_repetition(Rows& rows) {
  rows.push_back(moving(
      "tile", [](const Tensor& x) { return tile(x, {3}); },
      [](Shape s) {
        s[s.rank() - 1] *= 3;
        return s;
      },
      [](Index i, const Shape& s) {
        i[i.rank() - 1] %= s.back();
        return i;
      },
      {{{2, 3}}, {{1}}, {{0, 3}}}, [] { tile(zeros({2}), {-1}); }, "[tile] a count cannot be negative, got [-1]"));
  rows.push_back(moving(
      "repeat_interleave", [](const Tensor& x) { return repeat_interleave(x, 2, 0); },
      [](Shape s) {
        s[0] *= 2;
        return s;
      },
      [](Index i, const Shape&) {
        i[0] /= 2;
        return i;
      },
      {{{2, 3}}, {{1}}, {{0, 3}}}, [] { repeat_interleave(zeros({2}), -1, 0); },
      "[repeat_interleave] a count cannot be negative, got -1"));
  Row counts = rows.back();
  counts.op = [](const Tensors& in) { return repeat_interleave(in[0], operand(from_vector<int64_t>({2, 0, 3})), -1); };
  counts.reference = [](const Arrays& in) {
    Shape shape = in[0].shape;
    shape[shape.rank() - 1] = 5;
    return pick(in[0], shape, [](Index i) {
      int64_t& last = i[i.rank() - 1];
      last = last < 2 ? 0 : 2;
      return i;
    });
  };
  counts.cases = {{{2, 3}}, {{3}}, {{0, 3}}};
  counts.misuse = [] { repeat_interleave(zeros({2, 3}), zeros({2}, DType::i64), 1); };
  counts.message = "[repeat_interleave] axis 1 of shape [2, 3] needs 3 counts, got shape [2]";
  rows.push_back(counts);
  Row flat = rows[rows.size() - 2];
  flat.op = [](const Tensors& in) { return repeat_interleave(in[0], 2); };
  flat.reference = [](const Arrays& in) {
    const int64_t n = int64_t(in[0].values.size());
    return pick(reshaped(in[0], {n}), {2 * n}, [](const Index& i) { return Index{i[0] / 2}; });
  };
  rows.push_back(flat);
  for (const char* indexing : {"ij", "xy"}) {
    Row grid;
    grid.name = "meshgrid";
    grid.op = [indexing](const Tensors& in) { return meshgrid({in[0], in[1]}, indexing)[1]; };
    grid.reference = [indexing](const Arrays& in) {
      const bool swapped = std::string(indexing) == "xy";
      const int64_t n = in[0].shape[0], m = in[1].shape[0];
      return pick(in[1], swapped ? Shape{m, n} : Shape{n, m},
                  [&](const Index& i) { return Index{i[swapped ? 0 : 1]}; });
    };
    grid.inputs = {uniform(-2, 2), uniform(-2, 2)};
    grid.cases = {{{2}, {3}}, {{1}, {1}}, {{0}, {2}}};
    grid.takes = Takes::anything;
    grid.misuse = [] { meshgrid({zeros({2}), zeros({2})}, "ji"); };
    grid.message = "[meshgrid] the indexing is \"ij\" or \"xy\", got \"ji\"";
    rows.push_back(grid);
  }
  Row hot;
  hot.name = "one_hot";
  hot.op = [](const Tensors& in) { return one_hot(in[0], 5); };
  hot.reference = [](const Arrays& in) {
    Shape shape = in[0].shape;
    shape.push_back(5);
    Array out(shape);
    each_index(in[0].shape, [&](Index i) {
      const auto label = int64_t(in[0].at(i));
      i.push_back(label);
      out.at(i) = 1;
    });
    return out;
  };
  hot.inputs = {index_below(5)};
  hot.cases = {{{4}}, {{2, 3}}, {{}}, {{1}}, {{0}}};
  hot.takes = Takes::anything;
  hot.order = 0;
  hot.misuse = [] { one_hot(from_vector<int64_t>({0, 3}), 3); };
  hot.message = "[one_hot] label 3 is not in [0, 3)";
  rows.push_back(hot);

  const auto shuffled = [](Shape s) { return Shape{s[0], s[1] / 4, s[2] * 2, s[3] * 2}; };
  Row shuffle = moving(
      "pixel_shuffle", [](const Tensor& x) { return pixel_shuffle(x, 2); }, shuffled,
      [](const Index& i, const Shape&) { return Index{i[0], i[1] * 4 + i[2] % 2 * 2 + i[3] % 2, i[2] / 2, i[3] / 2}; },
      {{{2, 8, 2, 3}}, {{0, 4, 1, 2}}, {{1, 4, 1, 1}}}, [] { pixel_shuffle(zeros({1, 6, 2, 2}), 2); },
      "[pixel_shuffle] needs [B, C r^2, H, W] with r = 2, got shape [1, 6, 2, 2]");
  rows.push_back(shuffle);
  rows.push_back(moving(
      "pixel_unshuffle", [](const Tensor& x) { return pixel_unshuffle(x, 2); },
      [](Shape s) { return Shape{s[0], s[1] * 4, s[2] / 2, s[3] / 2}; },
      [](const Index& i, const Shape&) { return Index{i[0], i[1] / 4, i[2] * 2 + i[1] % 4 / 2, i[3] * 2 + i[1] % 2}; },
      {{{2, 2, 4, 6}}, {{0, 1, 2, 2}}, {{1, 1, 2, 2}}}, [] { pixel_unshuffle(zeros({1, 1, 3, 2}), 2); },
      "[pixel_unshuffle] needs [B, C, H r, W r] with r = 2, got shape [1, 1, 3, 2]"));
}

}  // namespace

Rows layout_rows() {
  Rows rows;
  add_shapes(rows);
  rows.push_back(joining("hstack", hstack, 1, {{{2, 3}, {2, 1}}, {{3}, {2}}, {{0, 2}, {0, 3}}, {{1}, {1}}}));
  rows.push_back(joining("vstack", vstack, 0, {{{2, 3}, {1, 3}}, {{3}, {3}}, {{0, 2}, {3, 2}}, {{1}, {1}}}));
  add_diagonals(rows);
  add_repetition(rows);
  return rows;
}

}  // namespace ditharos::tests
