#pragma once
// Internal to tensor/kernels/.
// Floats that are computed with in double, in registers. Only for *_isa.cpp.
#ifdef __SSE2__
#include <immintrin.h>
#endif

#include <ditharos/tensor/kernels/simd/vector.h>

namespace ditharos::kernels::DITHAROS_ISA {
namespace {

/// Whether an element of the vectors that were added had all bits of `mask` clear.
class AnyClear {
 public:
  explicit AnyClear(int64_t mask) : mask_(Vector<int64_t>{} + mask) {}
#if defined(__AVX512F__)
  void add(Vector<int64_t> v) { found_ |= _mm512_testn_epi64_mask((__m512i)v, (__m512i)mask_); }
  explicit operator bool() const { return found_ != 0; }

 private:
  __mmask8 found_ = 0;
#else
  void add(Vector<int64_t> v) { found_ |= (v & mask_) == 0; }
  explicit operator bool() const {
    int64_t any = 0;
#pragma GCC unroll 4
    for (int i = 0; i < lanes<int64_t>; ++i) any |= found_[i];
    return any != 0;
  }

 private:
  Vector<int64_t> found_{};
#endif
  Vector<int64_t> mask_;
};

/// Between floats in memory and a register of doubles. GCC 12 makes two instructions of __builtin_convertvector.
inline Vector<double> load_widened(const float* p) {
#if defined(__AVX512F__)
  return _mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(p));  // GCC 12 warns of the other
#elif defined(__AVX__)
  return _mm256_cvtps_pd(_mm_loadu_ps(p));
#else
  return __builtin_convertvector((read<Vector<float, lanes<double>>>(p)), Vector<double>);
#endif
}
inline void store_narrowed(float* p, Vector<double> x) {
#if defined(__AVX512F__)
  _mm256_storeu_ps(p, _mm512_maskz_cvtpd_ps(0xff, x));
#elif defined(__AVX__)
  _mm_storeu_ps(p, _mm256_cvtpd_ps(x));
#else
  write(p, __builtin_convertvector(x, Vector<float, lanes<double>>));
#endif
}

}  // namespace
}  // namespace ditharos::kernels::DITHAROS_ISA
