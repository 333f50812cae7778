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
template <class T> inline constexpr int lanes = vector_bytes / int(sizeof(T));
/// n rounded up to whole registers.
template <class T> inline int64_t padded(int64_t n) { return (n + lanes<T> - 1) / lanes<T> * lanes<T>; }

template <class T> struct VectorOf {
  typedef T type __attribute__((vector_size(vector_bytes)));
  typedef T unaligned __attribute__((vector_size(vector_bytes), aligned(sizeof(T)), may_alias));
};
template <class T> using Vector = typename VectorOf<T>::type;

template <class T> inline Vector<T> load(const T* p) {
  return *reinterpret_cast<const typename VectorOf<T>::unaligned*>(p);
}
template <class T> inline void store(T* p, Vector<T> v) { *reinterpret_cast<typename VectorOf<T>::unaligned*>(p) = v; }

/// For code that is written once for registers and for the elements that are left over: V is Vector<T> or T itself.
template <class V, class T> inline V read(const T* p) {
  if constexpr (sizeof(V) == sizeof(T)) return *p;
  else return load(p);
}
template <class T> inline void write(T* p, T value) { *p = value; }
template <class T> inline void write(T* p, Vector<T> value) { store(p, value); }

/// Element i of the result is element from[i] of a and b in a row.
template <class T, class Indices>
inline Vector<T> shuffle(Vector<T> a, Vector<T> b, Indices from) {
#if defined(__clang__)
  Vector<T> result;
  for (int i = 0; i < lanes<T>; ++i) result[i] = from[i] < lanes<T> ? a[from[i]] : b[from[i] - lanes<T>];
  return result;
#else
  return __builtin_shuffle(a, b, from);
#endif
}
/// A vector of integers as wide as the elements of T.
template <class T> using Indices = decltype(Vector<T>{} < Vector<T>{});

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
template <class T> struct Sums { T first, second; };
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
