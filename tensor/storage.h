#pragma once
// The bytes behind tensors, and the version counter that every view of them shares.
#include <cstddef>
#include <cstdint>
#include <memory>

namespace ditharos {

/// A block of memory. Shared by all views of a tensor.
class Storage {
 public:
  /// 64-byte-aligned memory from the caching allocator.
  explicit Storage(size_t bytes);
  /// Memory of another owner, such as a mapped file, which is kept alive as long as this storage.
  Storage(void* data, size_t bytes, std::shared_ptr<void> owner);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  /// The number of writes. A tensor that was saved for the backward pass stores it, and reading the saved tensor throws
  /// if it has changed.
  uint64_t version() const { return version_; }
  void bump_version() { ++version_; }
  /// A number that is unique to this storage and increases with time, so that an observer can order allocations; 0 if
  /// there was no observer.
  int64_t birth() const { return birth_; }

 private:
  void* data_;
  size_t bytes_;
  uint64_t version_ = 0;
  int64_t birth_;
  std::shared_ptr<void> owner_;  // null: the allocator's
};

}  // namespace ditharos
