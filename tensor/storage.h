#pragma once
// The bytes behind tensors, and the version counter that every view of them shares.
#include <cstddef>
#include <cstdint>

namespace ditharos {

/// A block of 64-byte-aligned memory from the caching allocator. Shared by all views of a tensor.
class Storage {
 public:
  explicit Storage(size_t bytes);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  /// Counts mutations. A tensor saved for the backward pass remembers the count and refuses a later one.
  uint64_t version() const { return version_; }
  void bump_version() { ++version_; }
  /// A number that no other storage has and that grows with time, by which an observer knows when it was made; 0 if
  /// nobody listened.
  int64_t birth() const { return birth_; }

 private:
  void* data_;
  size_t bytes_;
  uint64_t version_ = 0;
  int64_t birth_;
};

}  // namespace ditharos
