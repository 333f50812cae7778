#include <ditharos/tensor/kernels/loss/mse_isa.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

template <class T>
double sum(int64_t n, const T* a, const T* b) {
  constexpr int64_t width = 32;  // sums side by side, so that the adder's latency is hidden
  double lanes[width] = {};
  const auto add = [&](int64_t i, int64_t j) {
    const double difference = double(a[i]) - double(b[i]);
    lanes[j] += difference * difference;
  };
  int64_t i = 0;
  for (; i + width <= n; i += width)
    for (int64_t j = 0; j < width; ++j) add(i + j, j);
  for (int64_t j = 0; i < n; ++i, ++j) add(i, j);
  for (int64_t half = width / 2; half > 0; half /= 2)
    for (int64_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  return lanes[0];
}

template <class T>
void difference(int64_t n, const T* a, const T* b, T factor, T* out) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) out[i] = factor * (a[i] - b[i]);
}

}  // namespace
}  // namespace DITHAROS_ISA

const MseKernels& MseKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr MseKernels kernels{{sum<float>, difference<float>}, {sum<double>, difference<double>}};
  return kernels;
}

}  // namespace ditharos::kernels
