#pragma once
// Optimiser updates, one pass over the parameters each: clip, update, weight decay and moving average together.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

struct AdamStep {
  double lr, beta1, beta2, eps;
  double weight_decay;  ///< decoupled (AdamW, Loshchilov and Hutter 2019) or added to the gradient (Adam)
  bool decoupled;
  double grad_scale;  ///< multiplies the gradient first: the clipping factor
  int64_t step;       ///< counted from 1, for the bias correction
  double ema_decay;   ///< ema = decay * ema + (1 - decay) * parameter, when `ema` is defined
};
/// Mutates parameter, m, v and ema (which may be undefined). All contiguous f32 or f64 of one shape. Where `max_v` is
/// defined it is raised to v and takes its place in the step (AMSGrad).
void adam(const Tensor& parameter, const Tensor& grad, const Tensor& m, const Tensor& v, const Tensor& ema,
          const AdamStep& s, const Tensor& max_v = {});

struct SgdStep {
  double lr, momentum, weight_decay;
  bool nesterov;
  double grad_scale;
  bool first;  ///< the momentum buffer starts as the first gradient
  double ema_decay;
  double dampening = 0;
};
/// Mutates parameter, buffer (undefined without momentum) and ema. PyTorch's convention: buf = momentum*buf +
/// (1-dampening)*g.
void sgd(const Tensor& parameter, const Tensor& grad, const Tensor& buffer, const Tensor& ema, const SgdStep& s);

struct RmspropStep {
  double lr, alpha, eps, momentum, weight_decay, grad_scale, ema_decay;
};
/// Mutates parameter, square_avg, grad_avg (undefined unless centered), buffer (undefined without momentum) and ema.
void rmsprop(const Tensor& parameter, const Tensor& grad, const Tensor& square_avg, const Tensor& grad_avg,
             const Tensor& buffer, const Tensor& ema, const RmspropStep& s);

struct AdagradStep {
  double lr, eps, weight_decay, grad_scale, ema_decay;
};
/// Mutates parameter, sum (of the squared gradients) and ema.
void adagrad(const Tensor& parameter, const Tensor& grad, const Tensor& sum, const Tensor& ema, const AdagradStep& s);

/// ema = decay * ema + (1 - decay) * x.
void ema_update(const Tensor& ema, const Tensor& x, double decay);

}  // namespace ditharos::kernels
