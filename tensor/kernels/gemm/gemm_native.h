#pragma once
// Internal to tensor/kernels/.
// Native matrix products.
#include <ditharos/tensor/kernels/gemm/gemm.h>

namespace ditharos::kernels {

/// One tile of a product, on the calling thread alone. m, n, k >= 1.
template <class T>
void gemm_tile_native(const Gemm<T>& g);
template <>
void gemm_tile_native(const Gemm<float>& g);
template <>
void gemm_tile_native(const Gemm<double>& g);

}  // namespace ditharos::kernels
