#pragma once
// The loop of the rotary position embedding, compiled once per instruction set.
#include <cstdint>

namespace ditharos::kernels {

template <class T>
struct RopeLoops {
  /// Rotates the pairs (x[i], x[half + i]) of `vectors` consecutive vectors of 2 half elements by the angles whose
  /// cosines and sines are given, `half` of each, the same for all vectors. y may be x.
  void (*rotate)(int64_t vectors, int64_t half, const T* x, const T* cosines, const T* sines, T* y);
  /// The same with the pairs (x[2i], x[2i + 1]).
  void (*rotate_interleaved)(int64_t vectors, int64_t half, const T* x, const T* cosines, const T* sines, T* y);
};

struct RopeKernels {
  RopeLoops<float> f32;
  RopeLoops<double> f64;

  static const RopeKernels& baseline();
  static const RopeKernels& avx2();
  static const RopeKernels& avx512();
};

}  // namespace ditharos::kernels
