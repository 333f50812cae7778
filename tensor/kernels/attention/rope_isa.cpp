#include <ditharos/tensor/kernels/attention/rope_isa.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

template <class T>
void rotate(int64_t vectors, int64_t half, const T* x, const T* cosines, const T* sines, T* y) {
  for (int64_t v = 0; v < vectors; ++v, x += 2 * half, y += 2 * half) {
#pragma omp simd
    for (int64_t i = 0; i < half; ++i) {
      const T a = x[i], b = x[half + i];
      y[i] = a * cosines[i] - b * sines[i];
      y[half + i] = b * cosines[i] + a * sines[i];
    }
  }
}

template <class T>
void rotate_interleaved(int64_t vectors, int64_t half, const T* x, const T* cosines, const T* sines, T* y) {
  for (int64_t v = 0; v < vectors; ++v, x += 2 * half, y += 2 * half) {
#pragma omp simd
    for (int64_t i = 0; i < half; ++i) {
      const T a = x[2 * i], b = x[2 * i + 1];
      y[2 * i] = a * cosines[i] - b * sines[i];
      y[2 * i + 1] = b * cosines[i] + a * sines[i];
    }
  }
}

}  // namespace
}  // namespace DITHAROS_ISA

const RopeKernels& RopeKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr RopeKernels kernels{{rotate<float>, rotate_interleaved<float>},
                                       {rotate<double>, rotate_interleaved<double>}};
  return kernels;
}

}  // namespace ditharos::kernels
