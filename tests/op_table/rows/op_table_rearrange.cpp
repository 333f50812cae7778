// Rows of the op table: moving, repeating and cutting apart.
#include <algorithm>

#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"
#include "tests/op_table/rows/moving_row.h"

namespace ditharos::tests {
namespace {

Row padding(PadMode mode) {
  // Columns by 1 and 2, rows by 2 and 0.
  Row row = moving("pad", "pad", [mode](const Tensor& x) { return pad(x, {1, 2, 2, 0}, mode, 1); }, {}, {},
                   {{{3, 4}}, {{2, 4, 3}}, {{0, 3, 5}}});
  row.reference = [mode](const Arrays& in) {
    const Array& x = in[0];
    const int last = x.rank() - 1;
    const int64_t rows = x.shape[last - 1], columns = x.shape[last];
    Array out;
    Shape shape = x.shape;
    shape[last] += 3, shape[last - 1] += 2;
    out = Array(shape);
    const auto source = [mode](int64_t i, int64_t n) {
      if (mode == PadMode::replicate) return std::clamp<int64_t>(i, 0, n - 1);
      return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
    };
    each_index(shape, [&](const Index& i) {
      Index from = i;
      from[last] -= 1, from[last - 1] -= 2;
      const bool inside = from[last] >= 0 && from[last] < columns && from[last - 1] >= 0 && from[last - 1] < rows;
      if (!inside && mode == PadMode::constant) {
        out.at(i) = 1;
        return;
      }
      from[last] = source(from[last], columns), from[last - 1] = source(from[last - 1], rows);
      out.at(i) = x.at(from);
    });
    return out;
  };
  if (mode != PadMode::reflect) row.cases.push_back({{1, 1}});
  if (mode == PadMode::constant)
    refuses(
        row, [] { pad(zeros({2}), {1}); },
        "[pad] 1 sizes do not fit shape [2]: two are needed for each axis, from the last one on");
  if (mode == PadMode::reflect)
    refuses(
        row, [] { pad(zeros({3, 2}), {0, 2}, PadMode::reflect); },
        "[pad] axis 1 of shape [3, 2] is too short to be reflected by 0 and 2");
  if (mode == PadMode::replicate)
    refuses(
        row, [] { pad(zeros({3, 2}), {-1, -2}, PadMode::replicate); },
        "[pad] axis 1 of shape [3, 2] is too short to lose 1 and 2 elements");
  return row;
}

Row flipping() {
  Row row = moving(
      "flip", "flip", [](const Tensor& x) { return flip(x, {0, -1}); }, [](Shape s) { return s; },
      [](Index i, const Shape& s) {
        const int last = s.rank() - 1;
        i[0] = s[0] - 1 - i[0];
        if (last > 0) i[last] = s[last] - 1 - i[last];
        return i;
      },
      {{{2, 3}}, {{2, 3, 4}}, {{1, 1}}, {{0, 3}}, {{2, 0}}, {{5, 67}}, {{33, 18}}});
  row.large = {{{130, 1031}}, {{1031, 130}}};
  refuses(row, [] { flip(zeros({2, 3}), {1, -1}); }, "[flip] axes [1, -1] list an axis twice");
  return row;
}

Row rolling(int64_t shift) {
  Row row = moving(
      "roll", "cat", [shift](const Tensor& x) { return roll(x, shift, -1); }, [](Shape s) { return s; },
      [shift](Index i, const Shape& s) {
        const int last = s.rank() - 1;
        i[last] = ((i[last] - shift) % s[last] + s[last]) % s[last];
        return i;
      },
      {{{2, 5}}, {{2, 3, 4}}, {{2, 0}}, {{0, 5}}, {{3, 67}}, {{1}}});
  refuses(row, [] { roll(zeros({2, 3}), 1, 2); }, "[roll] axis 2 is out of range for a tensor of rank 2");
  return row;
}

Row repeating(const Shape& counts) {
  Row row = moving(
      "repeat", "reshape", [counts](const Tensor& x) { return repeat(x, counts); },
      [counts](Shape s) {
        while (s.rank() < counts.rank()) s.insert(0, 1);
        for (int i = 0; i < s.rank(); ++i) s[i] *= counts[i];
        return s;
      },
      [](const Index& i, const Shape& s) {
        Index from;
        const int lead = i.rank() - s.rank();
        for (int k = 0; k < s.rank(); ++k) from.push_back(i[k + lead] % s[k]);
        return from;
      },
      {{{2, 3}}, {{1, 1}}, {{0, 3}}, {{3}}, {{5, 7}}});
  refuses(row, [] { repeat(zeros({2, 3}), {2}); }, "[repeat] counts [2] must be given for every axis of shape [2, 3]");
  return row;
}

void add_cuts(Rows& rows) {
  const auto from = [](int64_t begin) {
    return [begin](Index i, const Shape&) {
      i[1] += begin;
      return i;
    };
  };
  const auto sized = [](int64_t size) {
    return [size](Shape s) {
      s[1] = size;
      return s;
    };
  };
  rows.push_back(moving("narrow", "slice", [](const Tensor& x) { return narrow(x, 1, 2, 2); }, sized(2), from(2),
                        {{{2, 5}}, {{3, 4, 2}}, {{0, 4}}}));
  refuses(
      rows.back(), [] { narrow(zeros({2, 3}), 1, 2, 2); },
      "[narrow] 2 elements from 2 on do not fit axis 1 of shape [2, 3]");
  rows.push_back(
      moving("narrow", "slice", [](const Tensor& x) { return narrow(x, 1, 0, 1); }, sized(1), from(0), {{{1, 1}}}));
  refuses(
      rows.back(), [] { narrow(zeros({2, 3}), 1, 0, -1); },
      "[narrow] -1 elements from 0 on do not fit axis 1 of shape [2, 3]");
  rows.push_back(moving("split", "slice", [](const Tensor& x) { return split(x, 2, 1).back(); }, sized(1), from(4),
                        {{{2, 5}}, {{3, 5, 2}}, {{0, 5}}}));
  refuses(rows.back(), [] { split(zeros({2, 3}), 0, 1); }, "[split] the parts' size must be at least 1, got 0");
  rows.push_back(
      moving("split", "slice", [](const Tensor& x) { return split(x, 2, 1)[0]; }, sized(1), from(0), {{{1, 1}}}));
  refuses(rows.back(), [] { split(zeros({2, 3}), 1, 2); }, "[split] axis 2 is out of range for a tensor of rank 2");
  rows.push_back(moving("split_with_sizes", "slice",
                        [](const Tensor& x) { return split_with_sizes(x, {1, 3, 1}, 1)[1]; }, sized(3), from(1),
                        {{{2, 5}}, {{3, 5, 2}}, {{0, 5}}}));
  refuses(
      rows.back(), [] { split_with_sizes(zeros({2, 5}), {1, 2}, 1); },
      "[split_with_sizes] the sizes add up to 3, axis 1 of shape [2, 5] has 5");
  rows.push_back(moving("split_with_sizes", "slice", [](const Tensor& x) { return split_with_sizes(x, {1}, 1)[0]; },
                        sized(1), from(0), {{{1, 1}}}));
  refuses(
      rows.back(), [] { split_with_sizes(zeros({2, 5}), {1, 2, 3}, 1); },
      "[split_with_sizes] part 2 of size 3 does not fit axis 1 of shape [2, 5] from 3 on");
}

Row main_diagonal(int axis0, int axis1, std::vector<Case> cases) {
  Row row = moving(
      "diagonal", "slice", [=](const Tensor& x) { return diagonal(x, 0, axis0, axis1); },
      [=](Shape s) {
        const int64_t n = std::min(s[axis0], s[axis1]);
        s.erase(std::max(axis0, axis1)), s.erase(std::min(axis0, axis1));
        s.push_back(n);
        return s;
      },
      [=](Index i, const Shape& s) {
        const int64_t place = i[i.rank() - 1];
        Index from;
        for (int k = 0, rest = 0; k < s.rank(); ++k) from.push_back(k == axis0 || k == axis1 ? place : i[rest++]);
        return from;
      },
      std::move(cases));
  refuses(row, [] { diagonal(zeros({2, 3}), 0, 1, -1); }, "[diagonal] needs two different axes, got 1 twice");
  return row;
}

}  // namespace

Rows rearrange_rows() {
  Rows rows{padding(PadMode::constant), padding(PadMode::reflect), padding(PadMode::replicate), flipping()};
  for (int64_t shift : {2, -1, 7}) rows.push_back(rolling(shift));
  for (const Shape& counts : {Shape{2, 3}, Shape{3, 1, 2}, Shape{2, 0}}) rows.push_back(repeating(counts));
  add_cuts(rows);
  rows.push_back(main_diagonal(0, 1, {{{3, 3}}, {{2, 5}}, {{5, 2}}, {{1, 1}}, {{0, 3}}, {{3, 3, 2}}}));
  rows.push_back(main_diagonal(2, 0, {{{3, 2, 4}}, {{2, 0, 2}}, {{4, 2, 3, 2}}}));
  return rows;
}

}  // namespace ditharos::tests
