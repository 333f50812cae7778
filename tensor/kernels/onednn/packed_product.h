#pragma once
// Internal to tensor/kernels/.
// Products with packed weights by oneDNN.
#include <ditharos/tensor/kernels/gemm/packed_product.h>

namespace ditharos::kernels::onednn {

/// Packs W [n, k], n and k >= 1. Null if oneDNN has no primitive for this CPU.
template <class Kind>
PackedProductPtr<Kind> pack(const typename Kind::Weight* weight, int64_t n, int64_t k);

/// Largest size of a quantised weight.
int int8_weight_limit();

}  // namespace ditharos::kernels::onednn
