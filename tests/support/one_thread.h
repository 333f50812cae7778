#pragma once
// A scope on one thread, for tests that count memory: which of several threads takes a task, and then makes scratch
// memory of its own, differs from call to call.
#include <ditharos/tensor/parallel.h>

namespace ditharos::tests {

class OneThread {
 public:
  OneThread() { set_num_threads(1); }
  ~OneThread() { set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = num_threads();
};

}  // namespace ditharos::tests
