#include <ditharos/tensor/kernels/index/index_add.h>

#include <algorithm>
#include <vector>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/index/checked_indices.h>
#include <ditharos/tensor/kernels/reduce/sum_plan.h>

namespace ditharos::kernels {
namespace {

const SumLoops<float>& sum_loops(float) { return isa_kernels<ReduceKernels>().f32; }
const SumLoops<double>& sum_loops(double) { return isa_kernels<ReduceKernels>().f64; }
const SumLoops<uint64_t>& sum_loops(uint64_t) { return isa_kernels<ReduceKernels>().u64; }

/// Positions of equal destinations, side by side and in order: those of row r are order[start[r]] ..
/// order[start[r+1]-1].
struct Buckets {
  std::vector<int64_t> start, order;
  Buckets(const int64_t* destination, int64_t n, int64_t rows) : start(size_t(rows) + 1), order(size_t(n)) {
    for (int64_t i = 0; i < n; ++i) ++start[size_t(destination[i]) + 1];
    for (int64_t r = 0; r < rows; ++r) start[size_t(r) + 1] += start[size_t(r)];
    std::vector<int64_t> next(start.begin(), start.end() - 1);
    for (int64_t i = 0; i < n; ++i) order[size_t(next[size_t(destination[i])]++)] = i;
  }
};

}  // namespace

Tensor index_add(const Tensor& values, const Tensor& indices, int64_t rows) {
  check<ShapeError>(rows >= 0, "[index_add] the number of rows cannot be negative, got ", rows);
  const int lead = indices.rank();
  Shape shape = {rows}, prefix;
  for (int i = 0; i < values.rank(); ++i) (i < lead ? prefix : shape).push_back(values.shape()[i]);
  check<ShapeError>(prefix == indices.shape(), "[index_add] values of shape ", values.shape(),
                    " do not begin with the indices' shape ", indices.shape());
  const Tensor flat = checked_indices("index_add", indices, rows);
  const Tensor source = contiguous(values);
  Tensor out(shape, values.dtype());
  fill(out, 0);
  if (values.numel() == 0) return out;
  const int64_t n = flat.numel(), row = values.numel() / n;
  visit_addable("index_add", source, out, [&](const auto* from, auto* to) {
    const auto& loops = sum_loops(*from);
    // A destination row belongs to one thread, which adds its values in blocks and pairs of blocks.
    const Buckets buckets(flat.data<int64_t>(), n, rows);
    const int64_t cost = std::max<int64_t>(1, row * n / rows);
    parallel_for(rows, std::max<int64_t>(1, elementwise_grain / cost), [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const int64_t first = buckets.start[size_t(r)], count = buckets.start[size_t(r) + 1] - first;
        for (int64_t j = 0; count > 0 && j < row; j += column_tile)
          sum_rows(
              loops, first, count, [&](int64_t k) { return from + buckets.order[size_t(k)] * row + j; }, 1,
              std::min(column_tile, row - j), to + r * row + j);
      }
    });
  });
  return out;
}

Tensor index_add(const Tensor& values, int axis, const Tensor& indices, int64_t size) {
  check<ShapeError>(size >= 0, "[index_add] the size of the axis cannot be negative, got ", size);
  check<ShapeError>(indices.rank() == 1 && indices.numel() == values.shape()[axis], "[index_add] values of shape ",
                    values.shape(), " need an index for each slice along axis ", axis, ", got shape ", indices.shape());
  const Tensor flat = checked_indices("index_add", indices, size), source = contiguous(values);
  Shape shape = values.shape();
  shape[axis] = size;
  Tensor out(shape, values.dtype());
  fill(out, 0);
  if (values.numel() == 0) return out;
  const int64_t n = flat.numel();
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) outer *= shape[i];
  for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  const int64_t* index = flat.data<int64_t>();
  const Buckets buckets(index, n, size);
  int64_t most = 0;
  for (int64_t r = 0; r < size; ++r) most = std::max(most, buckets.start[size_t(r) + 1] - buckets.start[size_t(r)]);
  visit_addable("index_add", source, out, [&](const auto* from, auto* to) {
    const auto& loops = sum_loops(*from);
    const auto add_part = [&](const auto* x, auto* y) {     // [n, inner] to [size, inner]
      if (most <= row_block && inner <= column_tile / 4) {  // in the order of the index, as a block of rows adds
        if (inner == 1)
          for (int64_t i = 0; i < n; ++i) y[index[i]] += x[i];
        else
          for (int64_t i = 0; i < n; ++i)
            for (int64_t j = 0; j < inner; ++j) y[index[i] * inner + j] += x[i * inner + j];
        return;
      }
      for (int64_t r = 0; r < size; ++r) {
        const int64_t first = buckets.start[size_t(r)], count = buckets.start[size_t(r) + 1] - first;
        for (int64_t j = 0; count > 0 && j < inner; j += column_tile)
          sum_rows(
              loops, first, count, [&](int64_t k) { return x + buckets.order[size_t(k)] * inner + j; }, 1,
              std::min(column_tile, inner - j), y + r * inner + j);
      }
    };
    parallel_for(outer, std::max<int64_t>(1, elementwise_grain / (n * inner)), [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) add_part(from + o * n * inner, to + o * size * inner);
    });
  });
  return out;
}

}  // namespace ditharos::kernels
