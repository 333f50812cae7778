#pragma once
// Internal to *_onednn.cpp.
#include <omp.h>

namespace ditharos::kernels {

/// Lets oneDNN believe in one thread while it creates or runs a primitive: some of its kernels look at both times.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace ditharos::kernels
