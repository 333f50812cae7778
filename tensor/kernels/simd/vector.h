#pragma once
// Internal to tensor/kernels/.
// Vectors of the compiler (GCC and clang), which become the registers of the instruction set that the file is compiled
// for. Only for *_isa.cpp.
#ifndef DITHAROS_ISA
#error "vector.h belongs to *_isa.cpp, which are compiled with DITHAROS_ISA set to an instruction set"
#endif
#include <cstdint>

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64, vector_registers = 32;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32, vector_registers = 16;
#elif defined(__aarch64__)
inline constexpr int vector_bytes = 16, vector_registers = 32;
#else
inline constexpr int vector_bytes = 16, vector_registers = 16;
#endif

/// Elements of T in a register.
template <class T>
inline constexpr int lanes = vector_bytes / int(sizeof(T));
/// n rounded up to whole registers.
template <class T>
inline int64_t padded(int64_t n) {
  return (n + lanes<T> - 1) / lanes<T> * lanes<T>;
}

/// Smallest number of columns that a loop takes at a time. Registers of 64 bytes have halves, which cost half as much
/// on CPUs that execute 64 bytes in two parts: 24 floats take 16 + 8 columns and not 32.
template <class T>
inline constexpr int column_step = vector_bytes == 64 ? lanes<T> / 2 : lanes<T>;
/// n rounded up to whole steps.
template <class T>
inline int64_t in_steps(int64_t n) {
  return (n + column_step<T> - 1) / column_step<T> * column_step<T>;
}

template <class T, int n = lanes<T>>
struct VectorOf {
  typedef T type __attribute__((vector_size(n * sizeof(T))));
  typedef T unaligned __attribute__((vector_size(n * sizeof(T)), aligned(sizeof(T)), may_alias));
};
/// n elements: a register, or the half of one.
template <class T, int n = lanes<T>>
using Vector = typename VectorOf<T, n>::type;

template <class T>
inline Vector<T> load(const T* p) {
  return *reinterpret_cast<const typename VectorOf<T>::unaligned*>(p);
}
template <class T>
inline void store(T* p, Vector<T> v) {
  *reinterpret_cast<typename VectorOf<T>::unaligned*>(p) = v;
}

/// For code that is written once for registers, their halves and the elements that are left over: V is a vector of T or
/// T itself.
template <class V, class T>
inline V read(const T* p) {
  if constexpr (sizeof(V) == sizeof(T)) return *p;
  else return *reinterpret_cast<const typename VectorOf<T, int(sizeof(V) / sizeof(T))>::unaligned*>(p);
}
template <class T, class V>
inline void write(T* p, V value) {
  if constexpr (sizeof(V) == sizeof(T)) *p = value;
  else *reinterpret_cast<typename VectorOf<T, int(sizeof(V) / sizeof(T))>::unaligned*>(p) = value;
}

/// For decltype: the element of a vector, or a number itself.
inline float element_of(float x) { return x; }
inline double element_of(double x) { return x; }
template <class V>
inline auto element_of(V x) {
  return x[0];
}

/// Calls body<V>(i) for the n elements of a row: for registers, a half register and the elements that are left over.
template <class T, class Body>
inline void over_row(int64_t n, const Body& body) {
  int64_t i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) body.template operator()<Vector<T>>(i);
  if constexpr (column_step<T> < lanes<T>) {
    if (i + column_step<T> <= n) {
      body.template operator()<Vector<T, column_step<T>>>(i);
      i += column_step<T>;
    }
  }
  for (; i < n; ++i) body.template operator()<T>(i);
}

/// The first half of a register, and a register whose second half is 0.
template <class T>
inline Vector<T, column_step<T>> lower_half(Vector<T> x) {
  Vector<T, column_step<T>> half;
  __builtin_memcpy(&half, &x, sizeof half);
  return half;
}
template <class T>
inline Vector<T> padded_half(Vector<T, column_step<T>> half) {
  Vector<T> x{};
  __builtin_memcpy(&x, &half, sizeof half);
  return x;
}

/// Element i of the result is element from[i] of a and b in a row.
template <class T, int n = lanes<T>, class Indices>
inline Vector<T, n> shuffle(Vector<T, n> a, Vector<T, n> b, Indices from) {
#if defined(__clang__)
  Vector<T, n> result;
  for (int i = 0; i < n; ++i) result[i] = from[i] < n ? a[from[i]] : b[from[i] - n];
  return result;
#else
  return __builtin_shuffle(a, b, from);
#endif
}
/// A vector of integers as wide as the elements of T.
template <class T, int n = lanes<T>>
using Indices = decltype(Vector<T, n>{} < Vector<T, n>{});

/// Sum of the elements, by halves: (v0 + v8) + (v4 + v12) ... for sixteen.
template <class T, int half = lanes<T> / 2>
inline T add_lanes(Vector<T> v) {
  Indices<T> from{};
#pragma GCC unroll 16
  for (int i = 0; i < lanes<T>; ++i) from[i] = (i + half) % lanes<T>;
  v += shuffle<T>(v, v, from);
  if constexpr (half > 1) return add_lanes<T, half / 2>(v);
  else return v[0];
}

/// The two sums over begin <= j < end of what step(j, first, second) adds: to registers for most j, to scalars for the
/// rest.
template <class T>
struct Sums {
  T first, second;
};
template <class T, class Step>
inline Sums<T> sums_of_block(int64_t begin, int64_t end, const Step& step) {
  Vector<T> first{}, second{};
  T first_rest = 0, second_rest = 0;
  int64_t j = begin;
  for (; j + lanes<T> <= end; j += lanes<T>) step(j, first, second);
  for (; j < end; ++j) step(j, first_rest, second_rest);
  return {add_lanes<T>(first) + first_rest, add_lanes<T>(second) + second_rest};
}

/// The same over j < d. The sums of blocks are added in double, so that the error does not grow with d.
inline constexpr int64_t sum_block_size = 1024;
template <class T, class Step>
inline Sums<T> sums_over(int64_t d, const Step& step) {
  if (d <= sum_block_size) return sums_of_block<T>(0, d, step);
  double first = 0, second = 0;
  for (int64_t j = 0; j < d; j += sum_block_size) {
    const Sums<T> block = sums_of_block<T>(j, d - j < sum_block_size ? d : j + sum_block_size, step);
    first += block.first;
    second += block.second;
  }
  return {T(first), T(second)};
}

/// The same for one sum, step(j, sum).
template <class T, class Step>
inline T sum_of_block(int64_t begin, int64_t end, const Step& step) {
  Vector<T> sum{};
  T rest = 0;
  int64_t j = begin;
  for (; j + lanes<T> <= end; j += lanes<T>) step(j, sum);
  for (; j < end; ++j) step(j, rest);
  return add_lanes<T>(sum) + rest;
}
template <class T, class Step>
inline T sum_over(int64_t d, const Step& step) {
  if (d <= sum_block_size) return sum_of_block<T>(0, d, step);
  double total = 0;
  for (int64_t j = 0; j < d; j += sum_block_size)
    total += sum_of_block<T>(j, d - j < sum_block_size ? d : j + sum_block_size, step);
  return T(total);
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
