#pragma once
// Internal to tensor/kernels/.
// The version of oneDNN.

namespace ditharos::kernels::onednn {

/// With the instruction set that it uses: "oneDNN 2.6.3 (avx512_core)".
const char* version();

}  // namespace ditharos::kernels::onednn
