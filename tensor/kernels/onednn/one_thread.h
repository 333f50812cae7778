#pragma once
// Internal to tensor/kernels/onednn/.
#include <omp.h>

namespace ditharos::kernels {

/// Lets oneDNN believe in so many threads while it creates or runs a primitive: some of its kernels look at both times.
class LibraryThreads {
 public:
  explicit LibraryThreads(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~LibraryThreads() { omp_set_num_threads(before_); }
  LibraryThreads(const LibraryThreads&) = delete;
  LibraryThreads& operator=(const LibraryThreads&) = delete;

 private:
  int before_;
};

/// What all but measurements want.
struct OneThread : LibraryThreads {
  OneThread() : LibraryThreads(1) {}
};

}  // namespace ditharos::kernels
