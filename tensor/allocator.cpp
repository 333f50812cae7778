#include <ditharos/tensor/allocator.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <vector>
#if defined(__linux__)
#include <malloc.h>
#include <sys/mman.h>
#endif

#include <ditharos/tensor/error.h>

namespace ditharos {
namespace {

constexpr size_t alignment = 64;
constexpr size_t huge_page = size_t{2} << 20;

/// Eight classes to each power of two: at most 12.5 % of a block is unused.
size_t size_class(size_t bytes) {
  if (bytes <= alignment) return alignment;
  const size_t step = std::max(alignment, std::bit_floor(bytes) / 8);
  return (bytes + step - 1) / step * step;
}

/// Blocks from a huge page on begin at one, so that the kernel can back them with huge pages. What is behind the last
/// whole one has small pages: with a huge page for it, many weights of a model would take up to twice their size.
void* system_allocate(size_t size) {
#if defined(__linux__)
  if (size >= huge_page) {
    void* block = memalign(huge_page, size);  // aligned_alloc takes multiples of the alignment alone
    if (block) madvise(block, size, MADV_HUGEPAGE);
    return block;
  }
#endif
  return std::aligned_alloc(alignment, size);
}

struct Cache {
  std::mutex mutex;
  std::map<size_t, std::vector<void*>> free_blocks;  // by size class
  AllocatorStats stats;
  uint64_t fail_in = 0;

  void release() {
    for (auto& [size, blocks] : free_blocks) {
      for (void* block : blocks) std::free(block);
      stats.cached -= size * blocks.size();
      blocks.clear();
    }
  }
};

/// Never destroyed: tensors with static storage duration may be freed after it would have been.
Cache& cache() {
  static Cache* instance = new Cache;
  return *instance;
}

}  // namespace

void* allocate(size_t bytes) {
  if (bytes == 0) return nullptr;
  Cache& c = cache();
  std::lock_guard lock(c.mutex);
  if (c.fail_in && --c.fail_in == 0) fail("out of memory: cannot allocate ", bytes, " bytes (injected)");
  check(bytes <= (size_t{1} << 47), "out of memory: cannot allocate ", bytes, " bytes");
  const size_t size = size_class(bytes);
  auto& blocks = c.free_blocks[size];
  void* block = nullptr;
  if (!blocks.empty()) {
    block = blocks.back();
    blocks.pop_back();
    c.stats.cached -= size;
  } else {
    ++c.stats.system;
    block = system_allocate(size);
    if (!block) {  // what is cached in other classes may be enough
      c.release();
      block = system_allocate(size);
    }
    check(block != nullptr, "out of memory: cannot allocate ", bytes, " bytes (", c.stats.live, " bytes in use)");
  }
  c.stats.live += size;
  c.stats.peak = std::max(c.stats.peak, c.stats.live);
  return block;
}

void deallocate(void* block, size_t bytes) noexcept {
  if (!block) return;
  Cache& c = cache();
  std::lock_guard lock(c.mutex);
  const size_t size = size_class(bytes);
  c.stats.live -= size;
  try {
    c.free_blocks[size].push_back(block);
    c.stats.cached += size;
  } catch (const std::bad_alloc&) {
    std::free(block);
  }
}

AllocatorStats allocator_stats() {
  std::lock_guard lock(cache().mutex);
  return cache().stats;
}

void reset_peak() {
  std::lock_guard lock(cache().mutex);
  cache().stats.peak = cache().stats.live;
}

void release_cached() {
  std::lock_guard lock(cache().mutex);
  cache().release();
}

void fail_allocation_in(uint64_t n) {
  std::lock_guard lock(cache().mutex);
  cache().fail_in = n;
}

}  // namespace ditharos
