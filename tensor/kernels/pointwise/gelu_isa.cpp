#include <ditharos/tensor/kernels/pointwise/gelu_isa.h>
#include <ditharos/tensor/kernels/simd/vector_math.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

template <class T>
void forward(int64_t rows, int64_t columns, int64_t ld, const T* x, T* y) {
  for (int64_t i = 0; i < rows; ++i, x += ld, y += ld) {
#pragma omp simd
    for (int64_t j = 0; j < columns; ++j) y[j] = gelu_tanh(x[j]);
  }
}

template <class T>
void backward(int64_t rows, int64_t columns, const T* dy, const T* x, T* dx, T* sums) {
  for (int64_t j = 0; j < columns; ++j) sums[j] = T(0);
  for (int64_t i = 0; i < rows; ++i, dy += columns, x += columns, dx += columns) {
#pragma omp simd
    for (int64_t j = 0; j < columns; ++j) {
      const T d = dy[j] * gelu_tanh_derivative(x[j]);
      sums[j] += d;
      dx[j] = d;
    }
  }
}

}  // namespace
}  // namespace DITHAROS_ISA

const GeluKernels& GeluKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr GeluKernels kernels{{forward<float>, backward<float>}, {forward<double>, backward<double>}};
  return kernels;
}

}  // namespace ditharos::kernels
