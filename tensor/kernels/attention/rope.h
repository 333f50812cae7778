#pragma once
// Rotary position embedding on a packed projection.
#include <ditharos/tensor/tensor.h>

namespace ditharos::kernels {

/// Rotates the queries and keys of packed qkv [B, T, 3 D] and copies the values: elements i and i + h/2 of a head of
/// size h = D / heads, at token t, are rotated by the angle whose cosine and sine are at [t, i] of tables [T, h/2];
/// `interleaved`: elements 2i and 2i + 1. `into`: undefined, or a contiguous tensor like qkv that receives the result
/// and may be qkv itself.
Tensor rope(const Tensor& qkv, const Tensor& cosines, const Tensor& sines, int64_t heads, bool interleaved = false,
            const Tensor& into = {});

}  // namespace ditharos::kernels
