#pragma once

namespace ditharos {

/// The instruction set that kernels use on this machine: "baseline", "avx2" or "avx512". Another one gives results that
/// differ in their last bits. The environment variable DITHAROS_ISA lowers it.
[[nodiscard]] const char* instruction_set();

}  // namespace ditharos
