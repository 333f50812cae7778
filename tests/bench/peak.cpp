// The machine's peak performance, and whether it is available at present.
#include <chrono>

#include <ditharos/tensor/parallel.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

/// `steps` rounds of twelve independent multiply-adds, enough to hide their latency. V is a vector of floats; the
/// callers are compiled for the instruction set that has it.
template <class V>
__attribute__((always_inline)) inline float multiply_adds(int64_t steps) {
  V sums[12];
#pragma GCC unroll 12
  for (int i = 0; i < 12; ++i) sums[i] = V{} + float(i);
  V factor = V{} + 0.9999f, term = V{} + 1e-3f;
  for (int64_t s = 0; s < steps; ++s) {
#pragma GCC unroll 12
    for (int i = 0; i < 12; ++i) sums[i] = sums[i] * factor + term;
  }
  for (int i = 1; i < 12; ++i) sums[0] += sums[i];
  return sums[0][0];
}

struct PeakLoop {
  float (*run)(int64_t steps);
  double flops_of_step;
};

typedef float Float4 __attribute__((vector_size(16)));
float run_baseline(int64_t steps) { return multiply_adds<Float4>(steps); }

#if defined(__x86_64__)
typedef float Float8 __attribute__((vector_size(32)));
typedef float Float16 __attribute__((vector_size(64)));
__attribute__((target("avx2,fma"))) float run_avx2(int64_t steps) { return multiply_adds<Float8>(steps); }
__attribute__((target("avx512f"))) float run_avx512(int64_t steps) { return multiply_adds<Float16>(steps); }
PeakLoop peak_loop() {
  if (__builtin_cpu_supports("avx512f")) return {run_avx512, 12 * 16 * 2};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {run_avx2, 12 * 8 * 2};
  return {run_baseline, 12 * 4 * 2};
}
#else
PeakLoop peak_loop() { return {run_baseline, 12 * 4 * 2}; }
#endif

constexpr int64_t peak_steps = 5'000'000;  // some 15 ms: long enough to notice that other programs take turns
volatile float peak_sink;                  // keeps the loop from being removed

}  // namespace

double measure_peak() {
  const PeakLoop loop = peak_loop();
  const int threads = num_threads();
  const auto before = std::chrono::steady_clock::now();
  parallel_for(threads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) peak_sink = loop.run(peak_steps);
  });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - before;
  return threads * double(peak_steps) * loop.flops_of_step / seconds.count() * 1e-9;
}

}  // namespace ditharos::bench
