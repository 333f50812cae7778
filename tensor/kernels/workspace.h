#pragma once
// Scratch memory that a thread keeps between calls of a kernel.
#include <cstdint>

#include <ditharos/tensor/allocator.h>

namespace ditharos::kernels {

/// A 64-byte-aligned buffer that grows to the largest size asked for. Meant as a thread_local variable.
class Workspace {
 public:
  Workspace() = default;
  ~Workspace() { deallocate(data_, bytes_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  /// Room for n elements of T, contents undefined. Invalidates what an earlier call returned.
  template <class T>
  T* get(int64_t n) {
    const size_t bytes = static_cast<size_t>(n) * sizeof(T);
    if (bytes > bytes_) {
      deallocate(data_, bytes_);
      data_ = nullptr;
      bytes_ = 0;
      data_ = allocate(bytes);
      bytes_ = bytes;
    }
    return static_cast<T*>(data_);
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace ditharos::kernels
