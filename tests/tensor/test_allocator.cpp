// The caching allocator: reuse, statistics, failure, threads.
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/factory.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

TEST_CASE("allocator: blocks are aligned, distinct and large enough") {
  std::vector<std::pair<char*, size_t>> blocks;
  for (size_t bytes : {1, 63, 64, 65, 1000, 4096, 65537, 1 << 20, (2 << 20) - 1, 2 << 20, (2 << 20) + 1, 5000001}) {
    auto* block = static_cast<char*>(allocate(bytes));
    CHECK(reinterpret_cast<uintptr_t>(block) % 64 == 0);
    std::memset(block, int(blocks.size()), bytes);
    blocks.emplace_back(block, bytes);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    for (size_t j : {size_t{0}, blocks[i].second / 2, blocks[i].second - 1}) CHECK(blocks[i].first[j] == char(i));
    deallocate(blocks[i].first, blocks[i].second);
  }
  CHECK(allocate(0) == nullptr);
  deallocate(nullptr, 0);
}

TEST_CASE("allocator: a freed block is given out again to its size class") {
  release_cached();
  const AllocatorStats start = allocator_stats();
  CHECK(start.cached == 0);
  void* block = allocate(1000);
  const AllocatorStats used = allocator_stats();
  const size_t size = used.live - start.live;
  CHECK(size >= 1000);
  CHECK(size <= 1125);  // at most an eighth is lost
  CHECK(used.system == start.system + 1);
  deallocate(block, 1000);
  CHECK(allocator_stats().live == start.live);
  CHECK(allocator_stats().cached == size);
  void* again = allocate(990);  // the same class
  CHECK(again == block);
  CHECK(allocator_stats().cached == 0);
  CHECK(allocator_stats().system == used.system);
  void* other = allocate(2000);
  CHECK(allocator_stats().system == used.system + 1);
  deallocate(again, 990);
  deallocate(other, 2000);
  release_cached();
  CHECK(allocator_stats().cached == 0);
  CHECK(allocator_stats().live == start.live);
}

TEST_CASE("allocator: the loss to size classes is at most an eighth, or a huge page") {
  constexpr size_t huge_page = size_t{2} << 20;
  for (size_t bytes = 64; bytes < 32 * huge_page; bytes += bytes / 7 + 13) {
    const size_t before = allocator_stats().live;
    void* block = allocate(bytes);
    const size_t size = allocator_stats().live - before;
    CAPTURE(bytes);
    CHECK(size >= bytes);
    const size_t page = bytes >= huge_page * 7 / 8 ? huge_page : 0;
    CHECK(size - bytes <= bytes / 8 + 64 + page);
    deallocate(block, bytes);
  }
  release_cached();
}

TEST_CASE("allocator: peak") {
  reset_peak();
  const size_t base = allocator_stats().peak;
  void* a = allocate(1 << 16);
  void* b = allocate(1 << 16);
  deallocate(a, 1 << 16);
  void* c = allocate(1 << 16);
  CHECK(allocator_stats().peak == base + (2 << 16));
  deallocate(b, 1 << 16);
  deallocate(c, 1 << 16);
  CHECK(allocator_stats().peak == base + (2 << 16));
  reset_peak();
  CHECK(allocator_stats().peak == allocator_stats().live);
}

TEST_CASE("allocator: a tensor step allocates nothing new from the system the second time") {
  const auto step = [] { const Tensor a = zeros({100, 100}), b = ones({77}), c = full({3, 5000}, 2, DType::f64); };
  step();
  const uint64_t before = allocator_stats().system;
  step();
  CHECK(allocator_stats().system == before);
}

TEST_CASE("allocator: injected failure and impossible sizes throw, and change nothing") {
  const AllocatorStats before = allocator_stats();
  fail_allocation_in(3);
  void* a = allocate(100);
  void* b = allocate(100);
  CHECK(message_of<Error>([] { allocate(100); }) == "out of memory: cannot allocate 100 bytes (injected)");
  void* c = allocate(100);  // once only
  for (void* block : {a, b, c}) deallocate(block, 100);
  fail_allocation_in(1);
  fail_allocation_in(0);
  CHECK(message_of<Error>([] { deallocate(allocate(100), 100); }) == "");
  CHECK(message_of<Error>([] { allocate(~size_t{0}); }) == "out of memory: cannot allocate 18446744073709551615 bytes");
  CHECK(allocator_stats().live == before.live);
  fail_allocation_in(1);
  CHECK_THROWS_AS(zeros({10}), Error);
  CHECK(allocator_stats().live == before.live);
}

TEST_CASE("allocator: many threads at once") {
  const size_t before = allocator_stats().live;
  std::vector<std::thread> threads;
  std::vector<int> errors(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t, &errors] {
      Choices choices{unsigned(t)};
      std::vector<std::pair<unsigned char*, size_t>> held;
      for (int i = 0; i < 4000; ++i) {
        if (held.size() < 20 && choose(choices, 0, 1)) {
          const size_t bytes = size_t(choose(choices, 1, 5000));
          auto* block = static_cast<unsigned char*>(allocate(bytes));
          std::memset(block, t, bytes);
          held.emplace_back(block, bytes);
        } else if (!held.empty()) {
          const auto [block, bytes] = held.back();
          held.pop_back();
          errors[size_t(t)] += block[0] != t || block[bytes - 1] != t;  // nobody else was given this block
          deallocate(block, bytes);
        }
        if (i % 500 == 0) release_cached();
      }
      for (const auto& [block, bytes] : held) deallocate(block, bytes);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(errors == std::vector<int>(4));
  CHECK(allocator_stats().live == before);
}

}  // namespace
}  // namespace ditharos::tests
