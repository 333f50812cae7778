#pragma once
// Internal to tensor/.
// The calling thread's mode of floating-point operations, of which the library changes what becomes of denormals.
#include <cstdint>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace ditharos {

#if defined(__SSE__)

/// The bits under which denormal operands and results count as zero: those of MXCSR for both.
inline constexpr uint64_t flush_denormals = 0x8040;
[[nodiscard]] inline uint64_t float_mode() { return _mm_getcsr(); }
inline void set_float_mode(uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }

#elif defined(__aarch64__)

inline constexpr uint64_t flush_denormals = 1 << 24;  // FPCR.FZ, for f32 and f64
[[nodiscard]] inline uint64_t float_mode() {
  uint64_t mode = 0;
  asm volatile("mrs %0, fpcr" : "=r"(mode) : : "memory");
  return mode;
}
inline void set_float_mode(uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode) : "memory"); }

#else

inline constexpr uint64_t flush_denormals = 0;  // other CPUs compute with denormals
[[nodiscard]] inline uint64_t float_mode() { return 0; }
inline void set_float_mode(uint64_t) {}

#endif

}  // namespace ditharos
