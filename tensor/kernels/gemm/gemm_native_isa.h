#pragma once
// Internal to tensor/kernels/.
// Native matrix products, compiled once per instruction set.
#include <ditharos/tensor/kernels/gemm/gemm.h>

namespace ditharos::kernels {

struct GemmKernels {
  /// One tile on the calling thread; `scratch` has room for scratch_elements elements.
  void (*tile_f32)(const Gemm<float>& g, float* scratch);
  void (*tile_f64)(const Gemm<double>& g, double* scratch);
  int64_t scratch_elements;

  static const GemmKernels& baseline();
  static const GemmKernels& avx2();
  static const GemmKernels& avx512();
};

}  // namespace ditharos::kernels
