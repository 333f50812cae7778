#pragma once
// Counts, and makes fail, what a program allocates with operator new, everywhere in it and in the libraries that it
// uses.
#include <cstdint>
#include <optional>

namespace ditharos::tests {

/// Calls of operator new since the start, in all threads; nothing under a sanitizer, which brings its own operator new.
std::optional<uint64_t> heap_allocations();

/// Fault injection: the n-th call of operator new from now on throws std::bad_alloc, once; 0 turns it off. Without
/// effect under a sanitizer.
void fail_heap_allocation_in(uint64_t n);

}  // namespace ditharos::tests
