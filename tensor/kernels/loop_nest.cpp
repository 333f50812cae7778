#include <ditharos/tensor/kernels/loop_nest.h>

#include <algorithm>

namespace ditharos::kernels {
namespace {

struct Axis {
  int64_t size = 1;
  int64_t stride[LoopNest::max_operands] = {};
};

/// An innermost loop shorter than this costs more to start than to run.
constexpr int64_t short_loop = 8;

}  // namespace

LoopNest::LoopNest(const Shape& shape, std::initializer_list<Strides> all) : operands(int(all.size())) {
  Axis axes[Shape::max_rank];
  int count = 0;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == 1) continue;
    Axis& axis = axes[count++];
    axis.size = shape[i];
    int k = 0;
    for (const Strides& s : all) axis.stride[k++] = s[i];
  }

  // Insertion sort, stable: by the first operand's stride, then by the second's, and so on; a broadcast axis (stride 0)
  // does not affect the order.
  const auto outside = [&](const Axis& a, const Axis& b) {
    for (int k = 0; k < operands; ++k)
      if (a.stride[k] != 0 && b.stride[k] != 0 && a.stride[k] != b.stride[k]) return a.stride[k] > b.stride[k];
    return false;
  };
  for (int i = 1; i < count; ++i)
    for (int j = i; j > 0 && outside(axes[j], axes[j - 1]); --j) std::swap(axes[j], axes[j - 1]);

  // Merge neighbours where every operand steps from the inner axis' end to the outer axis' next element.
  int merged = 0;
  for (int i = 1; i < count; ++i) {
    bool even = true;
    for (int k = 0; k < operands; ++k) even &= axes[merged].stride[k] == axes[i].stride[k] * axes[i].size;
    if (even) axes[i].size *= axes[merged].size;
    else ++merged;
    axes[merged] = axes[i];
  }
  count = std::min(count, merged + 1);

  if (count > 1 && axes[count - 1].size < short_loop) {
    Axis* longest = std::max_element(axes, axes + count, [](const Axis& a, const Axis& b) { return a.size < b.size; });
    if (longest->size >= 4 * axes[count - 1].size) std::rotate(longest, longest + 1, axes + count);
  }

  if (count == 0) count = 1;  // a scalar: one loop of one element
  for (int i = 0; i < count; ++i) {
    sizes.push_back(axes[i].size);
    for (int k = 0; k < operands; ++k) strides[k].push_back(axes[i].stride[k]);
  }
}

Strides broadcast_strides(const Tensor& x, const Shape& to) {
  const int lead = to.rank() - x.rank();
  Strides strides = Shape::filled(to.rank(), 0);
  for (int i = 0; i < x.rank(); ++i)
    if (x.shape()[i] == to[lead + i]) strides[lead + i] = x.strides()[i];
  return strides;
}

void for_each_row(const LoopNest& nest, int64_t grain, FunctionRef<void(int64_t n, const int64_t* offsets)> body) {
  const int last = nest.sizes.rank() - 1;
  parallel_for(numel(nest.sizes), grain, [&](int64_t begin, int64_t end) {
    int64_t position[Shape::max_rank], offsets[LoopNest::max_operands] = {};
    int64_t rest = begin;
    for (int axis = last; axis >= 0; --axis) {
      position[axis] = rest % nest.sizes[axis];
      rest /= nest.sizes[axis];
      for (int k = 0; k < nest.operands; ++k) offsets[k] += position[axis] * nest.strides[k][axis];
    }
    for (int64_t i = begin; i < end;) {
      const int64_t n = std::min(nest.inner_size() - position[last], end - i);
      body(n, offsets);
      i += n;
      // Advance to the start of the next row.
      for (int k = 0; k < nest.operands; ++k) offsets[k] -= position[last] * nest.inner_stride(k);
      position[last] = 0;
      for (int axis = last - 1; axis >= 0; --axis) {
        for (int k = 0; k < nest.operands; ++k) offsets[k] += nest.strides[k][axis];
        if (++position[axis] < nest.sizes[axis]) break;
        for (int k = 0; k < nest.operands; ++k) offsets[k] -= nest.sizes[axis] * nest.strides[k][axis];
        position[axis] = 0;
      }
    }
  });
}

}  // namespace ditharos::kernels
