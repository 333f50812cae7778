#pragma once
// How a sum over some axes of a strided tensor is cut into pieces. The cuts depend on shape and strides alone.
#include <algorithm>
#include <vector>

#include <ditharos/tensor/kernels/loop_nest.h>
#include <ditharos/tensor/kernels/reduce/pairwise.h>
#include <ditharos/tensor/kernels/reduce/reduce_isa.h>

namespace ditharos::kernels {

/// Elements in one piece of work.
inline constexpr int64_t sum_chunk = 32768;
/// Columns that are summed together.
inline constexpr int64_t column_tile = 256;

/// Some axes of a loop nest, and the offsets of their positions.
struct AxisGroup {
  Shape sizes;
  Strides x, out;
  int64_t count() const { return numel(sizes); }
  int64_t offset(const Strides& strides, int64_t index) const {
    if (sizes.empty()) return 0;
    int64_t at = 0;
    for (int i = sizes.rank() - 1; i > 0; --i) {
      at += index % sizes[i] * strides[i];
      index /= sizes[i];
    }
    at += index * strides[0];
    return at;
  }
};

/// The axes of x in two groups, kept and reduced, and the innermost axis, which belongs to one of them, apart.
struct SumPlan {
  AxisGroup kept, reduced;
  int64_t inner_size, inner_x, inner_out;  ///< inner_out is 0 when the innermost axis is reduced

  /// `out_strides`: 0 along the axes that are reduced.
  SumPlan(const Shape& shape, const Strides& x_strides, const Strides& out_strides) {
    const LoopNest nest(shape, {x_strides, out_strides});
    const int last = nest.sizes.rank() - 1;
    for (int i = 0; i < last; ++i) {
      AxisGroup& group = nest.strides[1][i] == 0 ? reduced : kept;
      group.sizes.push_back(nest.sizes[i]);
      group.x.push_back(nest.strides[0][i]);
      group.out.push_back(nest.strides[1][i]);
    }
    inner_size = nest.sizes[last], inner_x = nest.strides[0][last], inner_out = nest.strides[1][last];
  }
};

/// Sum of n elements `stride` apart; the same bits for every stride.
template <class T>
T sum_row(const SumLoops<T>& loops, const T* x, int64_t stride, int64_t n) {
  if (stride == 1) return loops.sum(x, n);
  constexpr int64_t block = 1024;
  T buffer[block];
  if (n <= block) {
    for (int64_t i = 0; i < n; ++i) buffer[i] = x[i * stride];
    return loops.sum(buffer, n);
  }
  const int64_t left = (n / 2 + block - 1) / block * block;  // as loops.sum halves
  return sum_row(loops, x, stride, left) + sum_row(loops, x + left * stride, stride, n - left);
}

/// The innermost axis is reduced: every result is the sum of some rows of it.
template <class T>
void sum_inner(const SumPlan& plan, const SumLoops<T>& loops, const T* x, T* out) {
  const int64_t results = plan.kept.count(), rows = plan.reduced.count(), n = plan.inner_size;
  const int64_t pieces_a_row = (n + sum_chunk - 1) / sum_chunk, rows_a_chunk = std::max<int64_t>(1, sum_chunk / n);
  const int64_t chunks = pieces_a_row > 1 ? rows * pieces_a_row : (rows + rows_a_chunk - 1) / rows_a_chunk;
  const auto sum_of_chunk = [&](const T* base, int64_t chunk) {
    if (pieces_a_row > 1) {
      const int64_t row = chunk / pieces_a_row, first = chunk % pieces_a_row * sum_chunk;
      const T* p = base + plan.reduced.offset(plan.reduced.x, row) + first * plan.inner_x;
      return sum_row(loops, p, plan.inner_x, std::min(sum_chunk, n - first));
    }
    PairwiseSum<T> total;
    const int64_t first = chunk * rows_a_chunk, last = std::min(rows, first + rows_a_chunk);
    for (int64_t row = first; row < last; ++row)
      total.add(sum_row(loops, base + plan.reduced.offset(plan.reduced.x, row), plan.inner_x, n));
    return total.result();
  };
  std::vector<T> partial(chunks > 1 ? size_t(results * chunks) : 0);
  const int64_t grain = std::max<int64_t>(1, sum_chunk / (std::min(rows, rows_a_chunk) * n));
  parallel_for(results * chunks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t result = task / chunks;
      const T value = sum_of_chunk(x + plan.kept.offset(plan.kept.x, result), task % chunks);
      if (chunks > 1) partial[size_t(task)] = value;
      else out[plan.kept.offset(plan.kept.out, result)] = value;
    }
  });
  if (chunks == 1) return;
  for (int64_t result = 0; result < results; ++result) {
    PairwiseSum<T> total;
    for (int64_t c = 0; c < chunks; ++c) total.add(partial[size_t(result * chunks + c)]);
    out[plan.kept.offset(plan.kept.out, result)] = total.result();
  }
}

/// out[j] = sum over `count` rows of n <= column_tile elements, in blocks and pairs of blocks. row(r) is a pointer to
/// row r, whose elements are `stride` apart.
template <class T, class Row>
void sum_rows(const SumLoops<T>& loops, int64_t first, int64_t count, const Row& row, int64_t stride, int64_t n,
              T* out) {
  if (count <= row_block) {
    const T* rows[row_block];
    for (int64_t r = 0; r < count; ++r) rows[r] = row(first + r);
    if (stride == 1) return loops.sum_rows(rows, count, n, out);
    T gathered[row_block * column_tile];
    for (int64_t r = 0; r < count; ++r) {
      T* to = gathered + r * n;
      for (int64_t j = 0; j < n; ++j) to[j] = rows[r][j * stride];
      rows[r] = to;
    }
    return loops.sum_rows(rows, count, n, out);
  }
  T right[column_tile];
  const int64_t left = (count / 2 + row_block - 1) / row_block * row_block;
  sum_rows(loops, first, left, row, stride, n, out);
  sum_rows(loops, first + left, count - left, row, stride, n, right);
  const T* both[] = {out, right};
  loops.sum_rows(both, 2, n, out);
}

/// The innermost axis is kept: rows of it are added.
template <class T>
void sum_outer(const SumPlan& plan, const SumLoops<T>& loops, const T* x, T* out) {
  const int64_t groups = plan.kept.count(), rows = plan.reduced.count(), n = plan.inner_size;
  const int64_t tiles = (n + column_tile - 1) / column_tile;
  const int64_t rows_a_chunk = std::max(row_block, sum_chunk / std::min(n, column_tile) / row_block * row_block);
  const int64_t chunks = (rows + rows_a_chunk - 1) / rows_a_chunk;
  std::vector<T> partial(chunks > 1 ? size_t(groups * chunks * n) : 0);
  // Writes a tile of results, which the tensor may want anywhere.
  const auto store = [&](int64_t group, int64_t first, int64_t width, const T* values) {
    T* to = out + plan.kept.offset(plan.kept.out, group) + first * plan.inner_out;
    for (int64_t j = 0; j < width; ++j) to[j * plan.inner_out] = values[j];
  };
  const int64_t cost = std::min(rows, rows_a_chunk) * std::min(n, column_tile);
  parallel_for(groups * chunks * tiles, std::max<int64_t>(1, sum_chunk / cost), [&](int64_t begin, int64_t end) {
    T values[column_tile];
    for (int64_t task = begin; task < end; ++task) {
      const int64_t tile = task % tiles, chunk = task / tiles % chunks, group = task / tiles / chunks;
      const int64_t first = tile * column_tile, width = std::min(column_tile, n - first);
      const int64_t top = chunk * rows_a_chunk;
      const T* base = x + plan.kept.offset(plan.kept.x, group) + first * plan.inner_x;
      const auto row = [&](int64_t r) { return base + plan.reduced.offset(plan.reduced.x, r); };
      sum_rows(loops, top, std::min(rows_a_chunk, rows - top), row, plan.inner_x, width, values);
      if (chunks > 1) std::copy(values, values + width, partial.data() + (group * chunks + chunk) * n + first);
      else store(group, first, width, values);
    }
  });
  if (chunks == 1) return;
  parallel_for(groups * tiles, 1, [&](int64_t begin, int64_t end) {
    T values[column_tile];
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task / tiles, first = task % tiles * column_tile, width = std::min(column_tile, n - first);
      const auto row = [&](int64_t c) { return partial.data() + (group * chunks + c) * n + first; };
      sum_rows(loops, 0, chunks, row, 1, width, values);
      store(group, first, width, values);
    }
  });
}

template <class T>
void run_sum(const SumPlan& plan, const SumLoops<T>& loops, const T* x, T* out) {
  if (plan.inner_out == 0) sum_inner(plan, loops, x, out);
  else sum_outer(plan, loops, x, out);
}

}  // namespace ditharos::kernels
