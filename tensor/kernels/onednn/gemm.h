#pragma once
// Internal to tensor/kernels/.
// Matrix products by oneDNN.
#include <ditharos/tensor/kernels/gemm/gemm.h>

namespace ditharos::kernels::onednn {

/// One tile of a product, on the calling thread alone. False, and nothing done, if oneDNN has no primitive for it.
bool gemm_tile(const Gemm<float>& g);
bool gemm_tile(const Gemm<float, bfloat16>& g);
bool gemm_tile(const Gemm<bfloat16, bfloat16>& g);
/// The whole product as one primitive on `threads` threads of oneDNN. The bits depend on their number.
bool gemm_on_threads(const Gemm<float>& g, int threads);

}  // namespace ditharos::kernels::onednn
