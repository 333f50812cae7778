#pragma once
// The table of optimiser updates, one for each instruction set.
#include <cstdint>

namespace ditharos::kernels {

/// Elements are processed in whole blocks of this number, all by the same vector code.
inline constexpr int64_t update_block = 16;

/// g = grad_scale * grad + l2 * p;  m = beta1 * m + beta1_rest * g;  v = beta2 * v + beta2_rest * g^2;
/// p = shrink * p - step_size * m / (root_scale * sqrt(v) + eps);  ema = ema_decay * ema + ema_rest * p.
/// With an array of maxima, max_v = max(max_v, v) takes the place of v in the third line.
template <class T>
struct AdamCoefficients {
  T grad_scale, l2, beta1, beta1_rest, beta2, beta2_rest, shrink, step_size, root_scale, eps, ema_decay, ema_rest;
};

/// g = grad_scale * grad + l2 * p;  buffer = momentum * buffer + undamped * g;
/// p = p - (lr_grad * g + lr_buffer * buffer);  ema = ema_decay * ema + ema_rest * p.
template <class T>
struct SgdCoefficients {
  T grad_scale, l2, momentum, undamped, lr_grad, lr_buffer, ema_decay, ema_rest;
};

/// g = grad_scale * grad + l2 * p;  square = alpha * square + alpha_rest * g^2;
/// mean = mean + alpha_rest * (g - mean);  step = g / (sqrt(square - mean^2) + eps), mean = 0 without such an array;
/// buffer = momentum * buffer + step;  p = p - lr * buffer, or lr * step without one.
template <class T>
struct RmspropCoefficients {
  T grad_scale, l2, alpha, alpha_rest, eps, momentum, lr, ema_decay, ema_rest;
};

/// g = grad_scale * grad + l2 * p;  sum = sum + g^2;  p = p - lr * g / (sqrt(sum) + eps).
template <class T>
struct AdagradCoefficients {
  T grad_scale, l2, eps, lr, ema_decay, ema_rest;
};

/// n is a multiple of update_block; `ema`, `buffer`, `max_v` and `mean` may be null.
template <class T>
struct UpdateLoops {
  void (*adam)(int64_t n, T* p, const T* grad, T* m, T* v, T* max_v, T* ema, const AdamCoefficients<T>& c);
  void (*sgd)(int64_t n, T* p, const T* grad, T* buffer, T* ema, const SgdCoefficients<T>& c);
  void (*rmsprop)(int64_t n, T* p, const T* grad, T* square, T* mean, T* buffer, T* ema,
                  const RmspropCoefficients<T>& c);
  void (*adagrad)(int64_t n, T* p, const T* grad, T* sum, T* ema, const AdagradCoefficients<T>& c);
  /// ema = decay * ema + rest * x
  void (*average)(int64_t n, T* ema, const T* x, T decay, T rest);
};

struct OptimizerKernels {
  UpdateLoops<float> f32;
  UpdateLoops<double> f64;
  const UpdateLoops<float>& loops(float) const { return f32; }
  const UpdateLoops<double>& loops(double) const { return f64; }

  static const OptimizerKernels& baseline();
  static const OptimizerKernels& avx2();
  static const OptimizerKernels& avx512();
};

}  // namespace ditharos::kernels
