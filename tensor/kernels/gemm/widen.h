#pragma once
// Internal to tensor/kernels/gemm/.
// Products of bf16 where there are no instructions for them.
#include <ditharos/tensor/kernels/gemm/gemm.h>

namespace ditharos::kernels {

/// The same product with copies of its operands in f32. They are in memory of the calling thread, and valid until its
/// next call.
Gemm<float> widened(const Gemm<float, bfloat16>& g);

}  // namespace ditharos::kernels
