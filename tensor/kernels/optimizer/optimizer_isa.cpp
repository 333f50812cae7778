#include <ditharos/tensor/kernels/optimizer/optimizer_isa.h>
#include <ditharos/tensor/kernels/simd/vector_math.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

int64_t whole_blocks(int64_t n) { return n / update_block * update_block; }

template <class T, bool with_ema>
void adam_loop(int64_t n, T* p, const T* grad, T* m, T* v, T* ema, AdamCoefficients<T> c) {
  const int64_t whole = whole_blocks(n);
#pragma omp simd
  for (int64_t i = 0; i < whole; ++i) {
    const T g = c.grad_scale * grad[i] + c.l2 * p[i];
    const T mean = c.beta1 * m[i] + c.beta1_rest * g;
    const T square = c.beta2 * v[i] + c.beta2_rest * (g * g);
    const T value = c.shrink * p[i] - c.step_size * (mean / (c.root_scale * sqrt(square) + c.eps));
    m[i] = mean, v[i] = square, p[i] = value;
    if constexpr (with_ema) ema[i] = c.ema_decay * ema[i] + c.ema_rest * value;
  }
}

template <class T>
void adam(int64_t n, T* p, const T* grad, T* m, T* v, T* ema, const AdamCoefficients<T>& c) {
  if (ema) adam_loop<T, true>(n, p, grad, m, v, ema, c);
  else adam_loop<T, false>(n, p, grad, m, v, ema, c);
}

template <class T>
void average(int64_t n, T* ema, const T* x, T decay, T rest) {
  const int64_t whole = whole_blocks(n);
#pragma omp simd
  for (int64_t i = 0; i < whole; ++i) ema[i] = decay * ema[i] + rest * x[i];
}

template <class T, bool with_buffer>
void sgd_loop(int64_t n, T* p, const T* grad, T* buffer, SgdCoefficients<T> c) {
  const int64_t whole = whole_blocks(n);
#pragma omp simd
  for (int64_t i = 0; i < whole; ++i) {
    const T g = c.grad_scale * grad[i] + c.l2 * p[i];
    T step = c.lr_grad * g;
    if constexpr (with_buffer) {
      const T velocity = c.momentum * buffer[i] + g;
      buffer[i] = velocity;
      step += c.lr_buffer * velocity;
    }
    p[i] -= step;
  }
}

template <class T>
void sgd(int64_t n, T* p, const T* grad, T* buffer, T* ema, const SgdCoefficients<T>& c) {
  if (buffer) sgd_loop<T, true>(n, p, grad, buffer, c);
  else sgd_loop<T, false>(n, p, grad, buffer, c);
  if (ema) average(n, ema, p, c.ema_decay, c.ema_rest);
}

}  // namespace
}  // namespace DITHAROS_ISA

const OptimizerKernels& OptimizerKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr OptimizerKernels table = {{adam<float>, sgd<float>, average<float>},
                                             {adam<double>, sgd<double>, average<double>}};
  return table;
}

}  // namespace ditharos::kernels
