#include "tests/support/heap_counter.h"

#include <atomic>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#define DITHAROS_HAS_FEATURE(x) __has_feature(x)  // Clang's way to tell
#else
#define DITHAROS_HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || DITHAROS_HAS_FEATURE(address_sanitizer) || \
    DITHAROS_HAS_FEATURE(thread_sanitizer) || DITHAROS_HAS_FEATURE(memory_sanitizer)

std::optional<uint64_t> ditharos::tests::heap_allocations() { return {}; }
void ditharos::tests::fail_heap_allocation_in(uint64_t) {}

#else

namespace {
std::atomic<uint64_t> allocations{0}, fail_at{0};
}

std::optional<uint64_t> ditharos::tests::heap_allocations() { return allocations.load(std::memory_order_relaxed); }

void ditharos::tests::fail_heap_allocation_in(uint64_t n) { fail_at = n == 0 ? 0 : allocations + n; }

// The other forms of operator new and delete call these, save those for overaligned types, which are not counted.
void* operator new(size_t bytes) {
  const uint64_t number = allocations.fetch_add(1, std::memory_order_relaxed) + 1;
  if (number == fail_at.load(std::memory_order_relaxed)) throw std::bad_alloc();
  if (void* block = std::malloc(bytes ? bytes : 1)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }

#endif
