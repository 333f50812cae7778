#include <ditharos/tensor/kernels/index/index.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/index/checked_indices.h>
#include <ditharos/tensor/kernels/loop_nest.h>
#include <ditharos/tensor/kernels/reduce/reduce_isa.h>
#include <ditharos/tensor/kernels/workspace.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

/// Axis by axis: is `index` no larger than x, except along `axis`?
void check_index_shape(const char* op, const Shape& x, int axis, const Shape& index) {
  bool fits = x.rank() == index.rank();
  for (int i = 0; fits && i < x.rank(); ++i) fits = i == axis || index[i] <= x[i];
  check<ShapeError>(fits, "[", op, "] index of shape ", index, " does not fit shape ", x, " along axis ", axis);
}

Strides without(Strides strides, int axis) {
  strides.erase(axis);
  return strides;
}

}  // namespace

namespace {

/// Neighbouring slices that are copied in one go: `count` from index `from` on, to position `to`.
struct Run {
  int64_t from, to, count;
};
std::vector<Run> runs_of(const int64_t* index, int64_t n) {
  std::vector<Run> runs;
  for (int64_t i = 0; i < n; ++i) {
    if (!runs.empty() && index[i] == runs.back().from + runs.back().count) ++runs.back().count;
    else runs.push_back({index[i], i, 1});
  }
  return runs;
}

}  // namespace

Tensor index_select(const Tensor& table, int axis, const Tensor& indices) {
  check<ShapeError>(table.rank() >= 1, "[index_select] needs a table with rows, got a scalar");
  const int64_t size = table.shape()[axis];
  const Tensor flat = checked_indices("index_select", indices, size);
  const Tensor source = contiguous(table);
  Shape shape(table.shape().begin(), table.shape().begin() + axis);
  const int64_t outer = numel(shape);
  for (int64_t k : indices.shape()) shape.push_back(k);
  for (int i = axis + 1; i < table.rank(); ++i) shape.push_back(table.shape()[i]);
  Tensor out(shape, table.dtype());
  const int64_t n = flat.numel();
  if (out.numel() == 0) return out;
  const int64_t row = out.numel() / n / outer;
  visit_dtype(table.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = source.data<T>();
    const int64_t* index = flat.data<int64_t>();
    T* to = out.mutable_data<T>();
    if (outer == 1) {
      parallel_for(n, std::max<int64_t>(1, elementwise_grain / row), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) std::memcpy(to + i * row, from + index[i] * row, size_t(row) * sizeof(T));
      });
      return;
    }
    const std::vector<Run> runs = runs_of(index, n);
    const bool in_runs = row > 1 || int64_t(runs.size()) * 8 <= n;  // else element by element
    parallel_for(outer, std::max<int64_t>(1, elementwise_grain / (n * row)), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) {
        const T* x = from + o * size * row;
        T* y = to + o * n * row;
        if (in_runs)
          for (const Run& r : runs) std::memcpy(y + r.to * row, x + r.from * row, size_t(r.count * row) * sizeof(T));
        else
          for (int64_t i = 0; i < n; ++i) y[i] = x[index[i]];
      }
    });
  });
  return out;
}

Tensor gather(const Tensor& x, int axis, const Tensor& index) {
  axis = normalize_axis("gather", axis, x.rank());
  check_index_shape("gather", x.shape(), axis, index.shape());
  // Lines along the last axis check their own indices, which then are in the cache.
  const bool last = axis == x.rank() - 1;
  const int64_t size = x.shape()[axis];
  const Tensor positions = last ? index_list("gather", index) : checked_indices("gather", index, size);
  Tensor out(index.shape(), x.dtype());
  if (out.numel() == 0) return out;
  const int64_t length = index.shape()[axis], out_step = out.strides()[axis], x_step = x.strides()[axis];
  Shape lines = index.shape();
  lines.erase(axis);
  const LoopNest nest(lines, {without(out.strides(), axis), without(x.strides(), axis)});
  std::atomic<bool> within{true};
  visit_dtype(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T* from = x.data<T>();
    const int64_t* at_index = positions.data<int64_t>();
    T* to = out.mutable_data<T>();
    for_each_row(nest, std::max<int64_t>(1, elementwise_grain / length), [&](int64_t n, const int64_t* at) {
      const int64_t out_across = nest.inner_stride(0), x_across = nest.inner_stride(1);
      T* o = to + at[0];
      const int64_t* k = at_index + at[0];
      const T* f = from + at[1];
      // In the order in which the result lies in memory.
      if (last) {
        for (int64_t i = 0; i < n; ++i, o += out_across, k += out_across, f += x_across) {
          if (!all_within(k, length, size)) return within.store(false, std::memory_order_relaxed);
          if (x_step == 1)
            for (int64_t j = 0; j < length; ++j) o[j] = f[k[j]];
          else
            for (int64_t j = 0; j < length; ++j) o[j] = f[k[j] * x_step];
        }
      } else {
        for (int64_t j = 0; j < length; ++j)
          for (int64_t i = 0; i < n; ++i) {
            const int64_t e = i * out_across + j * out_step;
            o[e] = f[i * x_across + k[e] * x_step];
          }
      }
    });
  });
  if (!within.load()) refuse_indices("gather", positions, size);
  return out;
}

Tensor scatter_add(const Tensor& values, int axis, const Tensor& index, const Shape& shape) {
  axis = normalize_axis("scatter_add", axis, shape.rank());
  check_index_shape("scatter_add", shape, axis, index.shape());
  check<ShapeError>(values.shape() == index.shape(), "[scatter_add] values of shape ", values.shape(),
                    " need an index of that shape, got ", index.shape());
  const int64_t length = index.shape()[axis], size = shape[axis];
  const bool last = axis == shape.rank() - 1;
  // A line along the axis belongs to one thread, which adds in order: few values directly, many f32 in double. Many
  // values of lines along the last axis are checked with the line, as in gather.
  const bool few = length <= row_block || values.dtype() != DType::f32, in_line = last && !few;
  const Tensor positions = in_line ? index_list("scatter_add", index) : checked_indices("scatter_add", index, size);
  Tensor out(shape, values.dtype());
  Shape lines = index.shape(), lines_of_out = shape;
  lines.erase(axis), lines_of_out.erase(axis);
  if (few || lines != lines_of_out || values.numel() == 0) fill(out, 0);
  if (values.numel() == 0) return out;
  const int64_t in_step = values.strides()[axis], index_step = positions.strides()[axis],
                out_step = out.strides()[axis];
  const LoopNest nest(
      lines, {without(out.strides(), axis), without(values.strides(), axis), without(positions.strides(), axis)});
  std::atomic<bool> within{true};
  visit_addable("scatter_add", values, out, [&](const auto* from, auto* to) {
    using T = std::remove_pointer_t<decltype(to)>;
    const int64_t* at_index = positions.data<int64_t>();
    const int64_t at_once = last ? 1 : 16;  // lines, a cache line's worth where they lie side by side
    for_each_row(nest, std::max<int64_t>(1, elementwise_grain / length), [&](int64_t n, const int64_t* at) {
      const int64_t out_across = nest.inner_stride(0), in_across = nest.inner_stride(1);
      const int64_t index_across = nest.inner_stride(2);
      const auto* f = from + at[1];
      const int64_t* k = at_index + at[2];
      T* o = to + at[0];
      if (few) {
        for (int64_t j = 0; j < length; ++j)
          for (int64_t i = 0; i < n; ++i)
            o[i * out_across + k[i * index_across + j * index_step] * out_step] += f[i * in_across + j * in_step];
        return;
      }
      static thread_local Workspace scratch;
      double* sums = scratch.get<double>(size * at_once);  // [size, at_once]
      for (int64_t left = 0; left < n; left += at_once) {
        const int64_t width = std::min(at_once, n - left);
        std::fill_n(sums, size * at_once, 0.);
        if (last) {
          if (!all_within(k, length, size)) return within.store(false, std::memory_order_relaxed);
          for (int64_t j = 0; j < length; ++j) sums[k[j]] += double(f[j * in_step]);
          for (int64_t j = 0; j < size; ++j) o[j] = T(sums[j]);
        } else {
          for (int64_t j = 0; j < length; ++j)
            for (int64_t i = 0; i < width; ++i)
              sums[k[i * index_across + j * index_step] * at_once + i] += double(f[i * in_across + j * in_step]);
          for (int64_t j = 0; j < size; ++j)
            for (int64_t i = 0; i < width; ++i) o[i * out_across + j * out_step] = T(sums[j * at_once + i]);
        }
        o += width * out_across, f += width * in_across, k += width * index_across;
      }
    });
  });
  if (!within.load()) refuse_indices("scatter_add", positions, size);
  return out;
}

void check_index(const char* op, const Shape& shape, int axis, const Tensor& index) {
  check_index_shape(op, shape, axis, index.shape());
  static_cast<void>(checked_indices(op, index, shape[axis]));
}

namespace {

/// write(to, from): offsets in a contiguous tensor of `shape` and in the contiguous index, for each of its elements. A
/// line along the axis belongs to one thread, which goes through it in order.
template <class Write>
void for_each_written(const Shape& shape, int axis, const Tensor& positions, const Write& write) {
  const int64_t length = positions.shape()[axis], in_step = positions.strides()[axis];
  const Strides to_strides = contiguous_strides(shape);
  const int64_t out_step = to_strides[axis];
  Shape lines = positions.shape();
  lines.erase(axis);
  const LoopNest nest(lines, {without(to_strides, axis), without(positions.strides(), axis)});
  const int64_t* at_index = positions.data<int64_t>();
  for_each_row(nest, std::max<int64_t>(1, elementwise_grain / length), [&](int64_t n, const int64_t* at) {
    for (int64_t j = 0; j < length; ++j)
      for (int64_t i = 0; i < n; ++i) {
        const int64_t from = at[1] + i * nest.inner_stride(1) + j * in_step;
        write(at[0] + i * nest.inner_stride(0) + at_index[from] * out_step, from);
      }
  });
}

}  // namespace

Tensor scatter_fold(const char* op, Fold fold, const Tensor& x, int axis, const Tensor& index, const Tensor& values) {
  check_index_shape(op, x.shape(), axis, index.shape());
  const Tensor positions = checked_indices(op, index, x.shape()[axis]);
  const Tensor out(x.shape(), x.dtype());
  copy_into(out, x);
  if (index.numel() == 0) return out;
  const Tensor source = contiguous(values);
  const auto run = [&](const auto* from, auto* to) {
    using T = std::remove_pointer_t<decltype(to)>;
    const auto with = [&](auto combine) {
      for_each_written(x.shape(), axis, positions,
                       [&](int64_t at, int64_t value) { to[at] = combine(to[at], T(from[value])); });
    };
    switch (fold) {
      case Fold::prod: return with([](T a, T b) { return T(a * b); });
      case Fold::amax: return with([](T a, T b) { return a >= b || a != a ? a : b; });
      case Fold::amin: return with([](T a, T b) { return a <= b || a != a ? a : b; });
    }
  };
  if (x.dtype() == DType::i64 && fold != Fold::prod) run(source.data<int64_t>(), out.mutable_data<int64_t>());
  else visit_addable(op, source, out, run);
  return out;
}

std::vector<Tensor> writers(const char* op, const Shape& shape, int axis, const Tensor& index) {
  check_index_shape(op, shape, axis, index.shape());
  const Tensor positions = checked_indices(op, index, shape[axis]);
  std::vector<Tensor> rounds;
  if (index.numel() == 0) return rounds;
  const Tensor counts(shape, DType::i64), turns(index.shape(), DType::i64);
  fill(counts, 0);
  int64_t *count = counts.mutable_data<int64_t>(), *turn = turns.mutable_data<int64_t>();
  for_each_written(shape, axis, positions, [&](int64_t at, int64_t from) { turn[from] = count[at]++; });
  const int64_t most = *std::max_element(count, count + counts.numel());
  for (int64_t k = 0; k < most; ++k) {
    rounds.emplace_back(shape, DType::i64);
    fill(rounds.back(), -1);
    int64_t* writer = rounds.back().mutable_data<int64_t>();
    for_each_written(shape, axis, positions, [&](int64_t at, int64_t from) {
      if (turn[from] == k) writer[at] = from;
    });
  }
  return rounds;
}

Tensor last_writers(const char* op, const Shape& shape, int axis, const Tensor& index) {
  check_index_shape(op, shape, axis, index.shape());
  const Tensor positions = checked_indices(op, index, shape[axis]);
  const Tensor out(shape, DType::i64);
  fill(out, -1);
  if (index.numel() == 0) return out;
  int64_t* to = out.mutable_data<int64_t>();
  for_each_written(shape, axis, positions, [&](int64_t at, int64_t from) { to[at] = from; });
  return out;
}

}  // namespace ditharos::kernels
