#pragma once
// Terms of the variational bound, elementwise, in nats (Ho et al. 2020, section 3).
#include <ditharos/tensor/tensor.h>

namespace ditharos::models {

/// Kullback-Leibler divergence of N(mean1, exp(log_variance1)) from N(mean2, exp(log_variance2)).
Tensor normal_kl(const Tensor& mean1, const Tensor& log_variance1, const Tensor& mean2, const Tensor& log_variance2);

/// Negative log-likelihood of 8-bit pixels x, scaled to [-1, 1], under N(mean, exp(log_variance)) integrated over each
/// pixel's bin (Ho et al. 2020, equation 13). The normal distribution function is its tanh approximation, and
/// probabilities are kept above 1e-12, both as in the released code.
Tensor discretized_normal_nll(const Tensor& x, const Tensor& mean, const Tensor& log_variance);

}  // namespace ditharos::models
