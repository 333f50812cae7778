#include <ditharos/tensor/system/thread_count.h>

#include <algorithm>
#include <cstdlib>

#include <ditharos/tensor/error.h>

namespace ditharos {
namespace {

constexpr long most_threads = 1024;

}  // namespace

int cores_within(int cores, double quota) { return quota < cores ? std::max(1, static_cast<int>(quota)) : cores; }

int thread_count(const char* requested, const char* openmp, int cores, double quota) {
  if (requested) {
    char* end = nullptr;
    const long n = std::strtol(requested, &end, 10);
    check<ConfigError>(*requested && !*end && n >= 1 && n <= most_threads,
                       "DITHAROS_NUM_THREADS must be a number from 1 to 1024, got \"", requested, "\"");
    return static_cast<int>(n);
  }
  if (openmp)
    if (const long n = std::strtol(openmp, nullptr, 10); n >= 1) return static_cast<int>(std::min(n, most_threads));
  return cores_within(cores, quota);
}

}  // namespace ditharos
