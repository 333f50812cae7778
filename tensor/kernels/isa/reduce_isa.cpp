#include <ditharos/tensor/kernels/isa/reduce_isa.h>

#ifndef DITHAROS_ISA
#error "compiled once an instruction set, with DITHAROS_ISA set to its name"
#endif

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
inline void load(typename Vector<T>::type& v, const T* p) { __builtin_memcpy(&v, p, 64); }

/// Sum of the entries, by halves.
template <class T>
inline T fold(T* lanes, int64_t count) {
  for (int64_t half = count / 2; half > 0; half /= 2)
    for (int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  return lanes[0];
}

/// At most `block` elements: four vectors of lanes, so that each lane adds few numbers and the adder's latency is hidden.
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

template <class T>
T sum(const T* x, int64_t n) {
  constexpr int64_t block = 1024;
  if (n <= block) return sum_block(x, n);
  const int64_t left = (n / 2 + block - 1) / block * block;
  return sum(x, left) + sum(x + left, n - left);
}

template <class T>
void sum_rows(const T* const* rows, int64_t count, int64_t n, T* out) {
  using V = typename Vector<T>::type;
  constexpr int64_t size = Vector<T>::size;
  int64_t j = 0;
  for (; j + 2 * size <= n; j += 2 * size) {
    V a0, a1;
    load<T>(a0, rows[0] + j), load<T>(a1, rows[0] + j + size);
    for (int64_t r = 1; r < count; ++r) {
      V v0, v1;
      load<T>(v0, rows[r] + j), load<T>(v1, rows[r] + j + size);
      a0 += v0, a1 += v1;
    }
    __builtin_memcpy(out + j, &a0, 64), __builtin_memcpy(out + j + size, &a1, 64);
  }
  for (; j < n; ++j) {
    T a = rows[0][j];
    for (int64_t r = 1; r < count; ++r) a += rows[r][j];
    out[j] = a;
  }
}

template <class T>
double sum_of_squares(const T* x, int64_t n) {
  constexpr int64_t width = 32;
  double lanes[width] = {};
  int64_t i = 0;
  for (; i + width <= n; i += width)
    for (int64_t j = 0; j < width; ++j) lanes[j] += double(x[i + j]) * double(x[i + j]);
  for (int64_t j = 0; i < n; ++i, ++j) lanes[j] += double(x[i]) * double(x[i]);
  return fold(lanes, width);
}

/// The bits of a number without its sign are ordered like its size; infinity and NaN come last.
template <class T, class Bits>
bool all_finite(const T* x, int64_t n, Bits magnitude, Bits infinity) {
  Bits largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    Bits bits;
    __builtin_memcpy(&bits, x + i, sizeof(T));
    bits &= magnitude;
    largest = bits > largest ? bits : largest;
  }
  return largest < infinity;
}
bool finite_floats(const float* x, int64_t n) { return all_finite<float, int32_t>(x, n, 0x7fffffff, 0x7f800000); }
bool finite_doubles(const double* x, int64_t n) {
  return all_finite<double, int64_t>(x, n, 0x7fffffffffffffff, 0x7ff0000000000000);
}

}  // namespace
}  // namespace DITHAROS_ISA

const ReduceKernels& ReduceKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr ReduceKernels table = {
      {sum<float>, sum_rows<float>}, {sum<double>, sum_rows<double>}, {sum<uint64_t>, sum_rows<uint64_t>},
      sum_of_squares<float>, sum_of_squares<double>, finite_floats, finite_doubles};
  return table;
}

}  // namespace ditharos::kernels
