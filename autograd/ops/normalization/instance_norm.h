#pragma once
#include <ditharos/tensor/tensor.h>

namespace ditharos {

/// (x - mean) / sqrt(var + eps) * weight + bias over each channel of each sample (Ulyanov et al. 2016), x [B, C, ...]
/// with at least one more axis; weight and bias [C] or undefined. With `use_input_stats` it uses the statistics of x
/// and moves the running ones, [C] each, towards their mean over the samples by `momentum` (in place, unless they are
/// undefined). Otherwise it uses the running ones. ShapeError for other shapes and for statistics that are missing.
Tensor instance_norm(const Tensor& x, const Tensor& running_mean = {}, const Tensor& running_var = {},
                     const Tensor& weight = {}, const Tensor& bias = {}, bool use_input_stats = true,
                     double momentum = .1, double eps = 1e-5);

}  // namespace ditharos
