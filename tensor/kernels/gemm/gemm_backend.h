#pragma once
// Internal to tensor/.
// The library that computes the products, for reports and measurements.
#include <ditharos/tensor/kernels/gemm/gemm.h>

namespace ditharos::kernels {

/// "oneDNN 2.6.3 (avx512_core)" or "native".
const char* gemm_backend();

/// The product as one call of oneDNN on `threads` threads of its own, instead of the fixed tiles of gemm(). The bits
/// depend on their number. False, and nothing done, in a build without oneDNN.
bool gemm_by_library_threads(const Gemm<float>& g, int threads);

}  // namespace ditharos::kernels
