// Rows of the op table: reading and adding by index.
#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {
namespace {

constexpr int64_t row_count = 5;

/// The index made of i's first `count` entries, or of those from `count` on.
Index head(const Index& i, int count) { return Index(i.begin(), i.begin() + count); }
Index tail(const Index& i, int count) { return Index(i.begin() + count, i.end()); }

Index joined(int64_t first, const Index& rest) {
  Index out{first};
  for (int64_t k : rest) out.push_back(k);
  return out;
}

Row row_selection() {
  Row row;
  row.name = row.record = "index_select";
  row.op = [](const Tensors& in) { return index_select(in[0], in[1]); };
  row.reference = [](const Arrays& in) {
    const Array &table = in[0], &indices = in[1];
    Shape shape = indices.shape;
    for (int k = 1; k < table.rank(); ++k) shape.push_back(table.shape[k]);
    return pick(table, shape, [&](const Index& i) {
      return joined(int64_t(indices.at(head(i, indices.rank()))), tail(i, indices.rank()));
    });
  };
  row.inputs = {uniform(-2, 2), index_below(row_count)};
  row.cases = {{{5, 3}, {4}}, {{5}, {2, 3}}, {{6, 2, 3}, {}}, {{5, 3}, {0}}, {{5, 0}, {2}}, {{5}, {1}}, {{5, 67}, {7}}};
  row.takes = Takes::anything;
  row.large = {{{5, 131}, {1031}}};
  row.misuse = [] { index_select(zeros({3, 2}), from_vector<int64_t>({0, 3})); };
  row.message = "[index_select] index 3 is not in [0, 3)";
  return row;
}

Row selection_along_axis() {
  Row row = row_selection();
  row.op = [](const Tensors& in) { return index_select(in[0], 1, in[1]); };
  row.reference = [](const Arrays& in) {
    Shape shape = in[0].shape;
    shape[1] = in[1].shape[0];
    return pick(in[0], shape, [&](Index i) {
      i[1] = int64_t(in[1].at({i[1]}));
      return i;
    });
  };
  row.cases = {{{3, 5}, {4}}, {{2, 6, 3}, {7}}, {{3, 5}, {0}}, {{0, 5}, {2}}, {{3, 5, 67}, {1}}};
  row.large.clear();
  row.misuse = [] { index_select(zeros({3, 2}), 1, zeros({2, 2}, DType::i64)); };
  row.message = "[index_select] along an axis the indices must have one axis, got shape [2, 2]";
  return row;
}

Row row_addition() {
  Row row;
  row.name = row.record = "index_add";
  row.op = [](const Tensors& in) { return index_add(in[0], in[1], row_count); };
  row.reference = [](const Arrays& in) {
    const Array &values = in[0], &indices = in[1];
    Array out(joined(row_count, tail(values.shape, indices.rank())));
    each_index(values.shape, [&](const Index& i) {
      out.at(joined(int64_t(indices.at(head(i, indices.rank()))), tail(i, indices.rank()))) += values.at(i);
    });
    return out;
  };
  row.inputs = {uniform(-2, 2), index_below(row_count)};
  row.cases = {{{4, 3}, {4}}, {{2, 3}, {2, 3}}, {{2, 3}, {}}, {{0, 3}, {0}}, {{2, 0}, {2}}, {{1}, {1}}, {{7, 67}, {7}}};
  row.takes = Takes::numbers;
  row.large = {{{1031, 131}, {1031}}};
  row.misuse = [] { index_add(zeros({3, 2}), from_vector<int64_t>({0, 1}), 4); };
  row.message = "[index_add] values of shape [3, 2] do not begin with the indices' shape [2]";
  return row;
}

Row gathering(int axis) {
  Row row;
  row.name = row.record = "gather";
  row.op = [axis](const Tensors& in) { return gather(in[0], axis, in[1]); };
  row.reference = [axis](const Arrays& in) {
    const int a = axis < 0 ? axis + in[0].rank() : axis;
    return pick(in[0], in[1].shape, [&, a](Index i) {
      i[a] = int64_t(in[1].at(i));
      return i;
    });
  };
  row.inputs = {uniform(-2, 2), index_below(row_count)};
  row.takes = Takes::anything;
  if (axis == 0) {
    row.cases = {{{5, 3}, {2, 3}}, {{6, 2}, {7, 2}},   {{5}, {1}},
                 {{5, 2}, {0, 2}}, {{5, 67}, {3, 67}}, {{5, 4}, {2, 3}}};
    row.large = {{{5, 131}, {1031, 131}}};
  } else {
    row.cases = {{{3, 5}, {3, 2}}, {{2, 3, 6}, {2, 3, 7}}, {{5}, {1}}, {{2, 5}, {2, 0}}, {{3, 67}, {3, 70}}};
    row.large = {{{131, 5}, {131, 1031}}};
  }
  row.misuse = [] { gather(zeros({2, 3}), 1, from_vector<int64_t>({0, 2, 1, -1}, {2, 2})); };
  row.message = "[gather] index -1 is not in [0, 3)";
  return row;
}

Row scattering(int axis, const Shape& shape, std::vector<Case> cases) {
  Row row;
  row.name = row.record = "scatter_add";
  row.op = [=](const Tensors& in) { return scatter_add(in[0], axis, in[1], shape); };
  row.reference = [=](const Arrays& in) {
    Array out(shape);
    each_index(in[0].shape, [&](const Index& i) {
      Index to = i;
      to[axis < 0 ? axis + i.rank() : axis] = int64_t(in[1].at(i));
      out.at(to) += in[0].at(i);
    });
    return out;
  };
  row.inputs = {uniform(-2, 2), index_below(row_count)};
  row.cases = std::move(cases);
  row.takes = Takes::numbers;
  row.misuse = [] { scatter_add(zeros({2, 2}), 1, from_vector<int64_t>({0, 1}, {1, 2}), {2, 3}); };
  row.message = "[scatter_add] values of shape [2, 2] need an index of that shape, got [1, 2]";
  return row;
}

}  // namespace

Rows index_rows() {
  Rows rows{row_selection(), selection_along_axis(), row_addition(), gathering(0), gathering(-1)};
  rows.push_back(scattering(0, {5, 3}, {{{4, 3}, {4, 3}}, {{9, 2}, {9, 2}}, {{0, 3}, {0, 3}}}));
  rows.push_back(scattering(-1, {2, 6}, {{{2, 3}, {2, 3}}, {{2, 9}, {2, 9}}, {{2, 0}, {2, 0}}, {{2, 1}, {2, 1}}}));
  rows.push_back(scattering(0, {5}, {{{1}, {1}}}));
  rows.push_back(scattering(1, {131, 5}, {{{131, 6}, {131, 6}}}));
  rows.back().large = {{{131, 1031}, {131, 1031}}};
  return rows;
}

}  // namespace ditharos::tests
