#pragma once
// Internal to tensor/kernels/.
// Sums of adjacent elements. Only for *_isa.cpp (see dispatch.h for what may stand there).
#ifndef DITHAROS_ISA
#error "vector_sum.h belongs to *_isa.cpp, which are compiled with DITHAROS_ISA set to an instruction set"
#endif
#include <cstdint>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

/// 64 bytes of elements. The compiler cuts it into the registers that the instruction set has, so the order of the
/// additions, and with it every bit of a sum, is the same on all of them.
template <class T>
struct Vector {
  typedef T type __attribute__((vector_size(64)));
  static constexpr int64_t size = 64 / sizeof(T);
};

template <class T>
inline void load(typename Vector<T>::type& v, const T* p) {
  __builtin_memcpy(&v, p, 64);
}

/// Sum of the entries, by halves.
template <class T>
inline T fold(T* lanes, int64_t count) {
  for (int64_t half = count / 2; half > 0; half /= 2)
    for (int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  return lanes[0];
}

/// At most `block` elements: four vectors of lanes, so that each lane adds few numbers and the adder's latency is
/// hidden.
template <class T>
T sum_block(const T* x, int64_t n) {
  using V = typename Vector<T>::type;
  constexpr int64_t size = Vector<T>::size;
  V a0 = {}, a1 = {}, a2 = {}, a3 = {};
  int64_t i = 0;
  for (; i + 4 * size <= n; i += 4 * size) {
    V v0, v1, v2, v3;
    load<T>(v0, x + i), load<T>(v1, x + i + size), load<T>(v2, x + i + 2 * size), load<T>(v3, x + i + 3 * size);
    a0 += v0, a1 += v1, a2 += v2, a3 += v3;
  }
  a0 = (a0 + a2) + (a1 + a3);
  for (; i + size <= n; i += size) {
    V v;
    load<T>(v, x + i);
    a0 += v;
  }
  T lanes[size];
  __builtin_memcpy(lanes, &a0, 64);
  for (int64_t j = 0; i < n; ++i, ++j) lanes[j] += x[i];
  return fold(lanes, size);
}

/// Sum of n elements: blocks, then pairs of blocks, so that the error grows with log n.
template <class T>
T sum(const T* x, int64_t n) {
  constexpr int64_t block = 1024;
  if (n <= block) return sum_block(x, n);
  const int64_t left = (n / 2 + block - 1) / block * block;
  return sum(x, left) + sum(x + left, n - left);
}

}  // namespace
}  // namespace DITHAROS_ISA
}  // namespace ditharos::kernels
