// Rows of the op table: indexing, and writing by index (autograd/ops/indexing/).
#include <algorithm>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

using Op = std::function<Tensor(const Tensors&)>;
using Reference = std::function<Array(const Arrays&)>;

Row row_of(const std::string& name, Op op, Reference reference, std::vector<Values> inputs, std::vector<Case> cases,
           std::function<void()> misuse, const std::string& message) {
  Row row;
  row.name = name;
  row.op = std::move(op);
  row.reference = std::move(reference);
  row.inputs = std::move(inputs);
  row.cases = std::move(cases);
  row.takes = Takes::anything;
  row.misuse = std::move(misuse);
  row.message = message;
  return row;
}

const Values any = uniform(-2, 2);
Tensor longs(const std::vector<int64_t>& values) { return operand(from_vector(values)); }

void add_index(Rows& rows) {
  const std::vector<Case> cases = {{{3, 4, 5}}, {{3, 4, 0}}, {{3, 4, 1}}};
  // x[1, ..., None, -3:100:2]
  rows.push_back(row_of(
      "index", [](const Tensors& in) { return index(in[0], {1, ellipsis, new_axis, Slice{-3, 100, 2}}); },
      [](const Arrays& in) {
        const int64_t n = in[0].shape[2], first = std::max<int64_t>(0, n - 3);
        return pick(in[0], {in[0].shape[1], 1, (n - first + 1) / 2},
                    [first](const Index& i) { return Index{1, i[0], first + 2 * i[2]}; });
      },
      {any}, cases, [] { index(zeros({2, 3}), {0, 3}); },
      "[index] index 3 is out of range for an axis of size 3 of shape [2, 3]"));
  // x[:, [2, -4]]
  rows.push_back(row_of(
      "index", [](const Tensors& in) { return index(in[0], {Slice{}, longs({2, -4})}); },
      [](const Arrays& in) {
        return pick(in[0], {in[0].shape[0], 2, in[0].shape[2]},
                    [](const Index& i) { return Index{i[0], i[1] == 0 ? 2 : 0, i[2]}; });
      },
      {any}, cases, [] { index(zeros({2, 3}), {ellipsis, longs({3})}); }, "[index] index 3 is not in [-3, 3)"));
  // x[[2, 0, 2], :, [0]]: the tensors are not adjacent, so that their axis comes first.
  rows.push_back(row_of(
      "index", [](const Tensors& in) { return index(in[0], {longs({2, 0, 2}), Slice{}, longs({0})}); },
      [](const Arrays& in) {
        return pick(in[0], {3, in[0].shape[1]}, [](const Index& i) { return Index{i[0] == 1 ? 0 : 2, i[1], 0}; });
      },
      {any}, {{{3, 4, 5}}, {{3, 0, 1}}}, [] { index(zeros({2}), {0, 0}); },
      "[index] 2 indices for a tensor of shape [2]"));
  const auto mask = [] { return operand(from_vector<bool>({true, false, false, true, true, false}, {2, 3})); };
  rows.push_back(row_of(
      "index", [mask](const Tensors& in) { return index(in[0], {mask()}); },
      [](const Arrays& in) {
        return pick(in[0], {3, in[0].shape[2]},
                    [](const Index& i) { return i[0] == 0 ? Index{0, 0, i[1]} : Index{1, i[0] - 1, i[1]}; });
      },
      {any}, {{{2, 3, 4}}, {{2, 3, 0}}, {{2, 3, 1}}}, [] { index(zeros({3}), {zeros({2}, DType::boolean)}); },
      "[index] a mask of shape [2] does not fit shape [3] from axis 0 on"));

  rows.push_back(row_of(
      "index_put", [](const Tensors& in) { return index_put(in[0], {Slice{}, longs({2, 0, 2})}, in[1]); },
      [](const Arrays& in) {
        Array out = in[0];
        const Array values = stretch(in[1], {out.shape[0], 3});
        for (int64_t i = 0; i < out.shape[0]; ++i)
          for (int64_t k = 0; k < 3; ++k) out.at({i, k == 1 ? 0 : 2}) = values.at({i, k});
        return out;
      },
      {any, any}, {{{2, 4}, {2, 3}}, {{2, 3}, {3}}, {{2, 3}, {}}, {{0, 3}, {3}}, {{1, 3}, {1}}},
      [] { index_put(zeros({2, 3}), {0}, zeros({2})); },
      "[index_put] values of shape [2] do not stretch to the shape that is written, [3]"));
  Row adding = rows.back();
  adding.op = [](const Tensors& in) { return index_put(in[0], {Slice{}, longs({2, 0, 2})}, in[1], true); };
  adding.reference = [](const Arrays& in) {
    Array out = in[0];
    const Array values = stretch(in[1], {out.shape[0], 3});
    for (int64_t i = 0; i < out.shape[0]; ++i)
      for (int64_t k = 0; k < 3; ++k) out.at({i, k == 1 ? 0 : 2}) += values.at({i, k});
    return out;
  };
  adding.takes = Takes::numbers;
  rows.push_back(adding);
}

void add_reading(Rows& rows) {
  rows.push_back(row_of(
      "take", [](const Tensors& in) { return take(in[0], in[1]); },
      [](const Arrays& in) {
        return pick(reshaped(in[0], {int64_t(in[0].values.size())}), in[1].shape,
                    [&](const Index& i) { return Index{int64_t(in[1].at(i))}; });
      },
      {any, index_below(5)}, {{{2, 3}, {4}}, {{5}, {2, 2}}, {{6}, {}}, {{5}, {0}}, {{5}, {1}}},
      [] { take(zeros({2, 3}), from_vector<int64_t>({-7})); }, "[take] index -7 is not in [-6, 6)"));
  rows.push_back(row_of(
      "take_along_dim", [](const Tensors& in) { return take_along_dim(in[0], in[1], 1); },
      [](const Arrays& in) {
        const Array &x = in[0], &at = in[1];
        const int64_t rows = x.shape[0] == 1 ? at.shape[0] : x.shape[0];
        return pick(x, {rows, at.shape[1]}, [&](const Index& i) {
          const int64_t row = at.shape[0] == 1 ? 0 : i[0];
          return Index{x.shape[0] == 1 ? 0 : i[0], int64_t(at.at({row, i[1]}))};
        });
      },
      {any, index_below(5)}, {{{2, 5}, {2, 3}}, {{3, 6}, {1, 4}}, {{1, 5}, {3, 1}}, {{0, 5}, {1, 2}}, {{1, 5}, {1, 1}}},
      [] { take_along_dim(zeros({2, 3}), zeros({2}, DType::i64), 1); },
      "[take_along_dim] x of shape [2, 3] needs indices of the same rank, got shape [2]"));
  Row positions = row_of(
      "nonzero", [](const Tensors& in) { return nonzero(in[0]); },
      [](const Arrays& in) {
        Array out;
        int64_t count = 0;
        each_index(in[0].shape, [&](const Index& i) {
          if (in[0].at(i) == 0) return;
          ++count;
          for (int64_t k : i) out.values.push_back(double(k));
        });
        out.shape = {count, in[0].rank()};
        return out;
      },
      {whole(-1, 2)}, {{{3, 4}}, {{5}}, {{2, 3, 2}}, {{0, 3}}, {{1}}}, [] { nonzero({}); },
      "the tensor is undefined: it was never given a value");
  positions.order = 0;
  rows.push_back(positions);
}

/// out[index] = source or += source along an axis, in order.
Reference writing(int axis, bool add) {
  return [=](const Arrays& in) {
    Array out = in[0];
    each_index(in[1].shape, [&](const Index& i) {
      Index to = i;
      to[axis] = int64_t(in[1].at(i));
      out.at(to) = in[2].at(i) + (add ? out.at(to) : 0);
    });
    return out;
  };
}

void add_writing(Rows& rows) {
  const std::vector<Case> cases = {{{3, 5}, {3, 4}, {3, 4}},
                                   {{3, 6}, {2, 7}, {3, 8}},
                                   {{2, 5}, {2, 0}, {2, 0}},
                                   {{1, 5}, {1, 1}, {1, 1}},
                                   {{0, 5}, {0, 2}, {0, 2}}};
  rows.push_back(row_of(
      "scatter", [](const Tensors& in) { return scatter(in[0], 1, in[1], in[2]); }, writing(1, false),
      {any, index_below(5), any}, cases, [] { scatter(zeros({2, 3}), 1, zeros({2, 2}, DType::i64), zeros({2, 1})); },
      "[scatter] source of shape [2, 1] does not cover the index of shape [2, 2]"));
  rows.push_back(row_of(
      "scatter", [](const Tensors& in) { return scatter(in[0], 1, in[1], 1); },
      [](const Arrays& in) { return writing(1, false)({in[0], in[1], Array(in[1].shape, 1)}); }, {any, index_below(5)},
      {{{3, 5}, {3, 4}}, {{1, 5}, {1, 1}}}, [] { scatter(zeros({2, 3}), 1, full({2, 2}, 3, DType::i64), 1.); },
      "[scatter] index 3 is not in [0, 3)"));
  rows.push_back(row_of(
      "scatter_add", [](const Tensors& in) { return scatter_add(in[0], 1, in[1], in[2]); }, writing(1, true),
      {any, index_below(5), any}, cases,
      [] { scatter_add(zeros({2, 3}), 1, zeros({2, 2}, DType::i64), zeros({2, 1})); },
      "[scatter_add] source of shape [2, 1] does not cover the index of shape [2, 2]"));
  rows.back().takes = Takes::numbers;

  const std::vector<Case> slices = {
      {{3, 5}, {4}, {3, 4}}, {{2, 6, 3}, {2}, {2, 2, 3}}, {{2, 5}, {0}, {2, 0}}, {{1, 5}, {1}, {1, 1}}};
  const auto of_slices = [](bool add, double factor) {
    return [=](const Arrays& in) {
      Array out = in[0];
      each_index(in[2].shape, [&](const Index& i) {
        Index to = i;
        to[1] = int64_t(in[1].at({i[1]}));
        out.at(to) = factor * in[2].at(i) + (add ? out.at(to) : 0);
      });
      return out;
    };
  };
  rows.push_back(row_of(
      "index_add", [](const Tensors& in) { return index_add(in[0], 1, in[1], in[2], 2); }, of_slices(true, 2),
      {any, index_below(5), any}, slices, [] { index_add(zeros({2, 3}), 1, zeros({2}, DType::i64), zeros({2, 3})); },
      "[index_add] indices of shape [2] for axis 1 of a source of shape [2, 3]"));
  rows.back().takes = Takes::numbers;
  rows.push_back(row_of(
      "index_copy", [](const Tensors& in) { return index_copy(in[0], 1, in[1], in[2]); }, of_slices(false, 1),
      {any, index_below(5), any}, slices, [] { index_copy(zeros({2, 3}), 1, zeros({2}, DType::i64), zeros({3, 2})); },
      "[index_copy] source of shape [3, 2] does not fit shape [2, 3] along axis 1"));
  rows.push_back(row_of(
      "index_fill", [](const Tensors& in) { return index_fill(in[0], 1, in[1], 1); },
      [](const Arrays& in) {
        Array out = in[0];
        each_index(out.shape, [&](const Index& i) {
          for (double k : in[1].values)
            if (k == double(i[1])) out.at(i) = 1;
        });
        return out;
      },
      {any, index_below(5)}, {{{3, 5}, {2}}, {{2, 6, 3}, {3}}, {{2, 5}, {0}}, {{1, 5}, {1}}},
      [] { index_fill(zeros({2, 3}), 1, full({1}, 3, DType::i64), 0); }, "[index_fill] index 3 is not in [0, 3)"));
  rows.push_back(row_of(
      "masked_scatter", [](const Tensors& in) { return masked_scatter(in[0], in[1], in[2]); },
      [](const Arrays& in) {
        Array out = in[0];
        const Array mask = stretch(in[1], out.shape);
        size_t next = 0;
        for (size_t i = 0; i < out.values.size(); ++i)
          if (mask.values[i] != 0) out.values[i] = in[2].values[next++];
        return out;
      },
      {any, flags(), any}, {{{2, 3}, {2, 3}, {6}}, {{2, 3}, {3}, {3, 2}}, {{0, 3}, {3}, {0}}, {{1}, {1}, {1}}},
      [] { masked_scatter(zeros({3}), ones({3}, DType::boolean), zeros({2})); },
      "[masked_scatter] 3 elements are to be replaced, the source of shape [2] has 2"));
}

}  // namespace

Rows indexing_rows() {
  Rows rows;
  add_index(rows);
  add_reading(rows);
  add_writing(rows);
  return rows;
}

}  // namespace ditharos::tests
