#pragma once
// One piece of a matrix product, computed on the calling thread alone. Internal to gemm*.cpp.
#include <ditharos/tensor/kernels/gemm.h>

namespace ditharos::kernels {

/// By our own kernel. m, n, k >= 1.
template <class T> void gemm_tile_native(const Gemm<T>& g);

/// By oneDNN; false (and nothing done) when it has no primitive for the case.
bool gemm_tile_onednn(const Gemm<float>& g);
/// "oneDNN 2.6.3 (avx512_core)"
const char* onednn_name();

/// dst[j, i] = src[i, j] for src [rows, columns], on all threads. Leading dimensions in elements.
template <class T>
void transpose_matrix(const T* src, int64_t rows, int64_t columns, int64_t ld_src, T* dst, int64_t ld_dst);

}  // namespace ditharos::kernels
