#include <algorithm>
#include <chrono>
#include <thread>

#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/random.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Measurement time_once(const Work& work, double budget) {
  constexpr size_t most = 5000;
  work.run();  // fills caches, creates primitives
  Measurement m;
  std::vector<double> seconds;
  const double start = now();
  const auto enough = [&] {  // at least two, unless one takes much longer than there is time
    const double spent = now() - start;
    return seconds.size() >= most || (seconds.size() >= 2 && spent >= budget) || spent >= 4 * budget;
  };
  do {
    const uint64_t requests = allocator_stats().system;
    const double before = now();
    work.run();
    seconds.push_back(now() - before);
    m.system_requests = allocator_stats().system - requests;
  } while (!enough());
  std::sort(seconds.begin(), seconds.end());
  m.seconds = seconds[seconds.size() / 5];
  m.median = seconds[seconds.size() / 2];
  m.repetitions = static_cast<int>(seconds.size());
  return m;
}

}  // namespace

Measurement measure(const Work& work, double& peak, double budget) {
  constexpr double share_of_peak = 0.93;
  const auto at_peak = [&peak] {
    const double speed = measure_peak();
    peak = std::max(peak, speed);
    return speed >= share_of_peak * peak;
  };
  constexpr int attempts = 8;
  const double start = now();
  Measurement best;
  for (int attempt = 0; attempt == 0 || (attempt < attempts && now() - start < attempts * budget); ++attempt) {
    if (!at_peak()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      continue;
    }
    Measurement m = time_once(work, budget);
    m.clean = at_peak();
    if (m.clean) return m;
    if (best.repetitions == 0 || m.seconds < best.seconds) best = m;
  }
  return best.repetitions ? best : time_once(work, budget);
}

Tensor random(const Shape& shape) { return Generator(1).normal(shape); }

}  // namespace ditharos::bench
