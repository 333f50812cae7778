#pragma once
// Parallel loops over index ranges, on OpenMP's threads. The only way to threads outside the kernels' own files.
//
// Every thread that runs a body flushes denormals to zero (they would make a GELU fifteen times slower) and restores
// the caller's mode afterwards. Results never depend on the number of threads: a body owns its indices, and
// reductions run over chunks whose size the number of threads does not change.
//
// A loop runs in the calling thread alone, with the same results, inside another loop's body, inside an OpenMP region
// of the program, and while a loop of another thread runs. A child of fork() may run loops; one that was forked inside
// a body must end there.
#include <cstdint>
#include <functional>

namespace ditharos {

/// Threads that kernels use: DITHAROS_NUM_THREADS, else OMP_NUM_THREADS, else the number of cores available to this
/// process, by affinity and by the CPU quota of its control group (a container's limit).
[[nodiscard]] int num_threads();
/// Caps them from now on; n >= 1. Results do not change.
void set_num_threads(int n);

/// Non-owning reference to a callable; costs no allocation.
template <class Signature>
class FunctionRef;
template <class R, class... A>
class FunctionRef<R(A...)> {
 public:
  template <class F>
  FunctionRef(const F& f)
      : object_(&f), call_([](const void* o, A... a) -> R { return (*static_cast<const F*>(o))(a...); }) {}
  R operator()(A... a) const { return call_(object_, a...); }

 private:
  const void* object_;
  R (*call_)(const void*, A...);
};

/// Runs body(begin, end) over disjoint ranges that cover [0, n); in the calling thread alone when n <= grain. The first
/// exception that a body throws is rethrown to the caller, and ranges that have not begun by then are skipped.
void parallel_for(int64_t n, int64_t grain, FunctionRef<void(int64_t begin, int64_t end)> body);

/// Runs body(i) once for each task i in [0, n); tasks are handed out one at a time, for bodies of unequal cost. The
/// first exception that a body throws is rethrown to the caller, and tasks that have not begun by then are skipped.
void parallel_tasks(int64_t n, FunctionRef<void(int64_t task)> body);

/// Index in [0, num_threads()) of the thread that runs the current body; 0 outside.
[[nodiscard]] int thread_index();

}  // namespace ditharos
