#pragma once
// A caching allocator. It keeps freed blocks by size class and returns them for later requests, so that a training step
// touches no new page after the first step. Touching a fresh page costs ten times as much as the kernel that fills it.
#include <cstddef>
#include <cstdint>

namespace ditharos {

/// 64-byte-aligned memory, contents undefined. Null for 0 bytes. Throws Error when the system has no more.
[[nodiscard]] void* allocate(size_t bytes);
/// Frees a block; `bytes` is the size that was requested. Never throws.
void deallocate(void* block, size_t bytes) noexcept;

struct AllocatorStats {
  size_t live = 0;      ///< bytes of blocks in use, rounded up to their size class
  size_t peak = 0;      ///< largest `live` since the start or the last reset
  size_t cached = 0;    ///< bytes held for reuse
  uint64_t system = 0;  ///< number of requests to the operating system
};
[[nodiscard]] AllocatorStats allocator_stats();
void reset_peak();
/// Returns all cached blocks to the system.
void release_cached();
/// Makes the n-th allocation from now throw (fault injection in tests); 0 turns it off.
void fail_allocation_in(uint64_t n);

}  // namespace ditharos
