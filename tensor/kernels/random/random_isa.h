#pragma once
// Internal to tensor/.
// The table of loops that draw random numbers, one for each instruction set. All sets give the same bits.
#include <cstdint>

namespace ditharos::kernels {

/// Element i is drawn with the key `seed` and the counter `counter` + i of Philox 4x32-10 (tensor/random.h).
struct RandomKernels {
  void (*uniform_f32)(uint64_t seed, uint64_t counter, int64_t n, float* out);   ///< 24 bits, in [0, 1)
  void (*uniform_f64)(uint64_t seed, uint64_t counter, int64_t n, double* out);  ///< 53 bits, in [0, 1)
  void (*normal_f32)(uint64_t seed, uint64_t counter, int64_t n, float* out);    ///< computed in double

  static const RandomKernels& baseline();
  static const RandomKernels& avx2();
  static const RandomKernels& avx512();
};

}  // namespace ditharos::kernels
