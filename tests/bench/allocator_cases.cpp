// The caching allocator against malloc: a block taken and given back at once, many blocks in turn, and what a kernel
// pays when it writes to the memory it was given.
#include <cstdlib>
#include <cstring>
#include <memory>

#include <ditharos/tensor/allocator.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

struct Caching {
  static constexpr const char* name = "allocator";
  static void* take(size_t bytes) { return allocate(bytes); }
  static void give(void* block, size_t bytes) { deallocate(block, bytes); }
};

struct Malloc {
  static constexpr const char* name = "malloc";
  static void* take(size_t bytes) { return std::malloc(bytes); }
  static void give(void* block, size_t) { std::free(block); }
};

constexpr size_t count = 2048, live = 64;
volatile char sink;  // memory that nobody reads need not be written

template <class Allocator>
Case pairs(const std::string& size, size_t bytes) {
  return {std::string(Allocator::name) + "/pair/" + size, [bytes] {
            return Work{.run =
                            [bytes] {
                              for (size_t i = 0; i < count; ++i) {
                                void* block = Allocator::take(bytes);
                                *static_cast<volatile char*>(block) = 1;
                                Allocator::give(block, bytes);
                              }
                            },
                        .items = double(count)};
          }};
}

/// Blocks of mixed sizes, sixty-four live at a time, as in a training step; the oldest goes first.
template <class Allocator>
Case mixed() {
  return {std::string(Allocator::name) + "/mixed", [] {
            struct Block {
              void* memory = nullptr;
              size_t bytes = 0;
            };
            return Work{.run =
                            [blocks = std::make_shared<std::vector<Block>>(live)] {
                              for (size_t i = 0; i < count + live; ++i) {
                                Block& block = (*blocks)[i % live];
                                if (block.memory) Allocator::give(block.memory, block.bytes);
                                block = {};
                                if (i >= count) continue;                  // give all back at the end
                                block.bytes = size_t{64} << (i * 7 % 15);  // 64 B to 1 MB
                                block.memory = Allocator::take(block.bytes);
                              }
                            },
                        .items = double(count)};
          }};
}

template <class Allocator>
Case written(const std::string& size, size_t bytes) {
  return {std::string(Allocator::name) + "/written/" + size, [bytes] {
            return Work{.run =
                            [bytes] {
                              void* block = Allocator::take(bytes);
                              std::memset(block, 1, bytes);
                              sink = static_cast<char*>(block)[bytes / 2];
                              Allocator::give(block, bytes);
                            },
                        .bytes = double(bytes)};
          }};
}

template <class Allocator>
void add(std::vector<Case>& cases) {
  cases.push_back(pairs<Allocator>("64B", 64));
  cases.push_back(pairs<Allocator>("4KB", 4 << 10));
  cases.push_back(pairs<Allocator>("1MB", 1 << 20));
  cases.push_back(pairs<Allocator>("64MB", 64 << 20));
  cases.push_back(mixed<Allocator>());
  cases.push_back(written<Allocator>("12MB", 12 << 20));
  cases.push_back(written<Allocator>("64MB", 64 << 20));
}

}  // namespace

void add_allocator_cases(std::vector<Case>& cases) {
  add<Caching>(cases);
  add<Malloc>(cases);
}

}  // namespace ditharos::bench
