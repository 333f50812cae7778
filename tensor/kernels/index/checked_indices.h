#pragma once
// Internal to tensor/kernels/index/.
// Indices that are checked before they are used, and the types of sums.
#include <algorithm>
#include <atomic>

#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/loop_nest.h>

namespace ditharos::kernels {

/// The indices, contiguous.
inline Tensor index_list(const char* op, const Tensor& indices) {
  check<DTypeError>(indices.dtype() == DType::i64, "[", op, "] indices must be i64, got ", indices.dtype());
  return contiguous(indices);
}

/// Are all of them in [0, size)? An index outside has the sign bit, or its distance to the last one has.
inline bool all_within(const int64_t* p, int64_t n, int64_t size) {
  uint64_t outside = 0;
  for (int64_t i = 0; i < n; ++i) outside |= uint64_t(p[i]) | (uint64_t(size) - 1 - uint64_t(p[i]));
  return outside >> 63 == 0;
}

[[noreturn]] inline void refuse_indices(const char* op, const Tensor& flat, int64_t size) {
  const int64_t *p = flat.data<int64_t>(), *end = p + flat.numel();
  const int64_t bad = *std::find_if(p, end, [size](int64_t i) { return i < 0 || i >= size; });
  fail<ShapeError>("[", op, "] index ", bad, " is not in [0, ", size, ")");
}

/// The indices, contiguous; refuses those outside of [0, size).
inline Tensor checked_indices(const char* op, const Tensor& indices, int64_t size) {
  const Tensor flat = index_list(op, indices);
  if (flat.numel() == 0) return flat;
  const int64_t* p = flat.data<int64_t>();
  std::atomic<bool> within{true};
  parallel_for(flat.numel(), elementwise_grain, [&](int64_t begin, int64_t end) {
    if (!all_within(p + begin, end - begin, size)) within.store(false, std::memory_order_relaxed);
  });
  if (!within.load()) refuse_indices(op, flat, size);
  return flat;
}

/// The types of sums. Integers are added in the unsigned type of their width, where an overflow wraps around.
template <class F>
void visit_addable(const char* op, const Tensor& from, const Tensor& to, const F& f) {
  if (from.dtype() == DType::i64)
    return f(reinterpret_cast<const uint64_t*>(from.data<int64_t>()),
             reinterpret_cast<uint64_t*>(to.mutable_data<int64_t>()));
  visit_floating(op, from.dtype(), [&](auto zero) {
    using T = decltype(zero);
    f(from.data<T>(), to.mutable_data<T>());
  });
}

}  // namespace ditharos::kernels
