#include "tests/bench/memory.h"

#include <fstream>
#include <string>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <ditharos/tensor/allocator.h>

namespace ditharos::bench {

size_t system_peak() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    size_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

void reset_system_peak() {
  release_cached();
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
  std::ofstream("/proc/self/clear_refs") << 5;  // proc(5): 5 sets the peak to the present size
}

}  // namespace ditharos::bench
