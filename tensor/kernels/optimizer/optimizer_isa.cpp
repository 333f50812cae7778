#include <ditharos/tensor/kernels/optimizer/optimizer_isa.h>
#include <ditharos/tensor/kernels/simd/vector_math.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

int64_t whole_blocks(int64_t n) { return n / update_block * update_block; }

template <class T, bool with_max, bool with_ema>
void adam_loop(int64_t n, T* p, const T* grad, T* m, T* v, T* max_v, T* ema, AdamCoefficients<T> c) {
  const int64_t whole = whole_blocks(n);
#pragma omp simd
  for (int64_t i = 0; i < whole; ++i) {
    const T g = c.grad_scale * grad[i] + c.l2 * p[i];
    const T mean = c.beta1 * m[i] + c.beta1_rest * g;
    const T square = c.beta2 * v[i] + c.beta2_rest * (g * g);
    T bound = square;
    if constexpr (with_max) max_v[i] = bound = max_v[i] > square ? max_v[i] : square;
    const T value = c.shrink * p[i] - c.step_size * (mean / (c.root_scale * sqrt(bound) + c.eps));
    m[i] = mean, v[i] = square, p[i] = value;
    if constexpr (with_ema) ema[i] = c.ema_decay * ema[i] + c.ema_rest * value;
  }
}

template <class T>
void adam(int64_t n, T* p, const T* grad, T* m, T* v, T* max_v, T* ema, const AdamCoefficients<T>& c) {
  if (max_v) (ema ? adam_loop<T, true, true> : adam_loop<T, true, false>)(n, p, grad, m, v, max_v, ema, c);
  else (ema ? adam_loop<T, false, true> : adam_loop<T, false, false>)(n, p, grad, m, v, max_v, ema, c);
}

template <class T>
void average(int64_t n, T* ema, const T* x, T decay, T rest) {
  const int64_t whole = whole_blocks(n);
#pragma omp simd
  for (int64_t i = 0; i < whole; ++i) ema[i] = decay * ema[i] + rest * x[i];
}

template <class T, bool with_buffer, bool damped>
void sgd_loop(int64_t n, T* p, const T* grad, T* buffer, SgdCoefficients<T> c) {
  const int64_t whole = whole_blocks(n);
#pragma omp simd
  for (int64_t i = 0; i < whole; ++i) {
    const T g = c.grad_scale * grad[i] + c.l2 * p[i];
    T step = c.lr_grad * g;
    if constexpr (with_buffer) {
      const T velocity = c.momentum * buffer[i] + (damped ? c.undamped * g : g);
      buffer[i] = velocity;
      step += c.lr_buffer * velocity;
    }
    p[i] -= step;
  }
}

template <class T>
void sgd(int64_t n, T* p, const T* grad, T* buffer, T* ema, const SgdCoefficients<T>& c) {
  if (!buffer) sgd_loop<T, false, false>(n, p, grad, buffer, c);
  else if (c.undamped == 1) sgd_loop<T, true, false>(n, p, grad, buffer, c);
  else sgd_loop<T, true, true>(n, p, grad, buffer, c);
  if (ema) average(n, ema, p, c.ema_decay, c.ema_rest);
}

template <class T, bool with_mean, bool with_buffer>
void rmsprop_loop(int64_t n, T* p, const T* grad, T* square, T* mean, T* buffer, RmspropCoefficients<T> c) {
  const int64_t whole = whole_blocks(n);
#pragma omp simd
  for (int64_t i = 0; i < whole; ++i) {
    const T g = c.grad_scale * grad[i] + c.l2 * p[i];
    const T second = c.alpha * square[i] + c.alpha_rest * (g * g);
    T variance = second;
    if constexpr (with_mean) {
      const T first = mean[i] + c.alpha_rest * (g - mean[i]);
      const T difference = second - first * first;
      mean[i] = first;
      variance = difference > 0 ? difference : T(0);  // rounding may leave it below 0, whose root is not a number
    }
    T step = g / (sqrt(variance) + c.eps);
    if constexpr (with_buffer) buffer[i] = step = c.momentum * buffer[i] + step;
    square[i] = second;
    p[i] -= c.lr * step;
  }
}

template <class T>
void rmsprop(int64_t n, T* p, const T* grad, T* square, T* mean, T* buffer, T* ema, const RmspropCoefficients<T>& c) {
  if (mean) (buffer ? rmsprop_loop<T, true, true> : rmsprop_loop<T, true, false>)(n, p, grad, square, mean, buffer, c);
  else (buffer ? rmsprop_loop<T, false, true> : rmsprop_loop<T, false, false>)(n, p, grad, square, mean, buffer, c);
  if (ema) average(n, ema, p, c.ema_decay, c.ema_rest);
}

template <class T>
void adagrad_loop(int64_t n, T* p, const T* grad, T* sum, AdagradCoefficients<T> c) {
  const int64_t whole = whole_blocks(n);
#pragma omp simd
  for (int64_t i = 0; i < whole; ++i) {
    const T g = c.grad_scale * grad[i] + c.l2 * p[i];
    const T squares = sum[i] + g * g;
    sum[i] = squares;
    p[i] -= c.lr * (g / (sqrt(squares) + c.eps));
  }
}

template <class T>
void adagrad(int64_t n, T* p, const T* grad, T* sum, T* ema, const AdagradCoefficients<T>& c) {
  adagrad_loop(n, p, grad, sum, c);
  if (ema) average(n, ema, p, c.ema_decay, c.ema_rest);
}

}  // namespace
}  // namespace DITHAROS_ISA

const OptimizerKernels& OptimizerKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr OptimizerKernels table = {
      {adam<float>, sgd<float>, rmsprop<float>, adagrad<float>, average<float>},
      {adam<double>, sgd<double>, rmsprop<double>, adagrad<double>, average<double>}};
  return table;
}

}  // namespace ditharos::kernels
