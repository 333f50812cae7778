#pragma once
// Optimiser updates, one pass over the parameters each: clip, update, weight decay and moving average together.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

struct AdamStep {
  double lr, beta1, beta2, eps;
  double weight_decay;   ///< decoupled (AdamW, Loshchilov and Hutter 2019) or added to the gradient (Adam)
  bool decoupled;
  double grad_scale;     ///< multiplies the gradient first: the clipping factor
  int64_t step;          ///< counted from 1, for the bias correction
  double ema_decay;      ///< ema = decay * ema + (1 - decay) * parameter, when `ema` is defined
};
/// Mutates parameter, m, v and ema (which may be undefined). All contiguous f32 or f64 of one shape.
void adam(const Tensor& parameter, const Tensor& grad, const Tensor& m, const Tensor& v, const Tensor& ema,
          const AdamStep& s);

struct SgdStep {
  double lr, momentum, weight_decay;
  bool nesterov;
  double grad_scale;
  bool first;  ///< the momentum buffer starts as the first gradient
  double ema_decay;
};
/// Mutates parameter, buffer (undefined without momentum) and ema. PyTorch's convention: buf = momentum*buf + g.
void sgd(const Tensor& parameter, const Tensor& grad, const Tensor& buffer, const Tensor& ema, const SgdStep& s);

/// ema = decay * ema + (1 - decay) * x.
void ema_update(const Tensor& ema, const Tensor& x, double decay);

}  // namespace ditharos::kernels
