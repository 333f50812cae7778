#include <algorithm>
#include <chrono>
#include <thread>

#include <ditharos/tensor/parallel.h>
#include <ditharos/tests/bench/bench.h>

namespace ditharos::bench {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

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
__attribute__((target("avx512f"))) float run_avx512(int64_t steps) {
  return multiply_adds<Float16>(steps);
}
PeakLoop peak_loop() {
  if (__builtin_cpu_supports("avx512f")) return {run_avx512, 12 * 16 * 2};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {run_avx2, 12 * 8 * 2};
  return {run_baseline, 12 * 4 * 2};
}
#else
PeakLoop peak_loop() { return {run_baseline, 12 * 4 * 2}; }
#endif

constexpr int64_t peak_steps = 5'000'000;  // some 15 ms: long enough to notice that other programs take turns
volatile float sink;  // keeps the loop from being removed

Measurement summarize(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 5], seconds[seconds.size() / 2], static_cast<int>(seconds.size()), false};
}

Measurement time_once(const Work& work, double budget) {
  work.run();  // fills caches, creates primitives
  std::vector<double> seconds;
  const double start = now();
  while ((seconds.size() < 5 || now() - start < budget) && seconds.size() < 5000) {
    const double before = now();
    work.run();
    seconds.push_back(now() - before);
  }
  return summarize(std::move(seconds));
}

}  // namespace

double measure_peak() {
  const PeakLoop loop = peak_loop();
  const int threads = num_threads();
  const double before = now();
  parallel_for(threads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) sink = loop.run(peak_steps);
  });
  return threads * double(peak_steps) * loop.flops_of_step / (now() - before) * 1e-9;
}

Measurement measure(const Work& work, double peak, double budget) {
  constexpr double share_of_peak = 0.93;
  Measurement best;
  for (int attempt = 0; attempt < 8; ++attempt) {
    if (measure_peak() < share_of_peak * peak) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      continue;
    }
    Measurement m = time_once(work, budget);
    m.clean = measure_peak() >= share_of_peak * peak;
    if (m.clean) return m;
    if (best.repetitions == 0 || m.seconds < best.seconds) best = m;
  }
  return best.repetitions ? best : time_once(work, budget);
}

}  // namespace ditharos::bench
