#include <ditharos/tensor/kernels/reduce/reduce_isa.h>
#include <ditharos/tensor/kernels/simd/vector_sum.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

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
  static constexpr ReduceKernels table = {{sum<float>, sum_rows<float>},
                                          {sum<double>, sum_rows<double>},
                                          {sum<uint64_t>, sum_rows<uint64_t>},
                                          sum_of_squares<float>,
                                          sum_of_squares<double>,
                                          finite_floats,
                                          finite_doubles};
  return table;
}

}  // namespace ditharos::kernels
