#pragma once
// Counts what a program allocates with operator new, everywhere in it and in the libraries that it uses.
#include <cstdint>
#include <optional>

namespace ditharos::tests {

/// Calls of operator new since the start, in all threads; nothing under a sanitizer, which brings its own operator new.
std::optional<uint64_t> heap_allocations();

}  // namespace ditharos::tests
