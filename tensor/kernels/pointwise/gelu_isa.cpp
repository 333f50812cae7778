#include <ditharos/tensor/kernels/pointwise/gelu_isa.h>

#include <ditharos/tensor/kernels/simd/bfloat_pair.h>
#include <ditharos/tensor/kernels/simd/vector_math.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

template <class T, class In>
void forward(int64_t rows, int64_t columns, int64_t ld, const In* x, T* y) {
  for (int64_t i = 0; i < rows; ++i, x += ld, y += ld) {
#pragma omp simd
    for (int64_t j = 0; j < columns; ++j) assign(y[j], gelu_tanh(number(x[j])));
  }
}

template <class T, class In, class Grad = T>
void backward(int64_t rows, int64_t columns, const Grad* dy, const In* x, In* dx, T* sums) {
  for (int64_t j = 0; j < columns; ++j) sums[j] = T(0);
  for (int64_t i = 0; i < rows; ++i, dy += columns, x += columns, dx += columns) {
#pragma omp simd
    for (int64_t j = 0; j < columns; ++j) {
      const T d = number(dy[j]) * gelu_tanh_derivative(number(x[j]));
      sums[j] += d;
      assign(dx[j], d);
    }
  }
}

}  // namespace
}  // namespace DITHAROS_ISA

const GeluKernels& GeluKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr GeluKernels table{{forward<float, float>, backward<float, float>},
                                     {forward<double, double>, backward<double, double>},
                                     {forward<float, bfloat16>, backward<float, bfloat16>},
                                     forward<bfloat16, bfloat16>,
                                     backward<float, bfloat16, bfloat16>};
  return table;
}

}  // namespace ditharos::kernels
