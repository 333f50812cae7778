#pragma once

namespace ditharos {

/// The instruction set that kernels of f32 and f64 use on this machine: "baseline", "avx2" or "avx512" on x86-64,
/// "neon" on arm64. Another one gives results that differ in their last bits. The environment variable DITHAROS_ISA
/// lowers it.
[[nodiscard]] const char* instruction_set();

/// True where products of bf16 have instructions (AVX512_BF16) and are faster than those of f32. Elsewhere they are
/// computed in f32, and differ in their last bits.
[[nodiscard]] bool has_bf16_products();

}  // namespace ditharos
