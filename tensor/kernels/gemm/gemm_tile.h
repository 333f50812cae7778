#pragma once
// Internal to tensor/kernels/.
// One piece of a matrix product, computed on the calling thread alone.
#include <ditharos/tensor/kernels/gemm/gemm.h>

namespace ditharos::kernels {

/// By our own kernel. m, n, k >= 1.
template <class T> void gemm_tile_native(const Gemm<T>& g);

/// By oneDNN; false (and nothing done) when it has no primitive for the case.
bool gemm_tile_onednn(const Gemm<float>& g);
/// The whole product as one primitive on oneDNN's own team of threads. The bits depend on their number.
bool gemm_onednn_threads(const Gemm<float>& g, int threads);
/// "oneDNN 2.6.3 (avx512_core)"
const char* onednn_name();

}  // namespace ditharos::kernels
