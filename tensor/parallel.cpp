#include <ditharos/tensor/parallel.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>

#if defined(_OPENMP)
#include <omp.h>
#include <pthread.h>
#else
#include <thread>
#endif

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/system/cpu_quota.h>
#include <ditharos/tensor/system/float_mode.h>
#include <ditharos/tensor/system/thread_count.h>

namespace ditharos {
namespace {

std::atomic<int> threads_wanted{0};   // 0: not asked yet
thread_local int current_thread = 0;  // index inside the parallel body that this thread runs
thread_local bool inside_body = false;

/// Marks this thread as running a body: denormals count as zero, nested loops run in place. Restores both.
class BodyScope {
 public:
  explicit BodyScope(int index) : index_before_(current_thread), inside_before_(inside_body) {
    current_thread = index;
    inside_body = true;
    set_float_mode(mode_before_ | flush_denormals);
  }
  ~BodyScope() {
    set_float_mode(mode_before_);
    current_thread = index_before_;
    inside_body = inside_before_;
  }
  BodyScope(const BodyScope&) = delete;
  BodyScope& operator=(const BodyScope&) = delete;

 private:
  int index_before_;
  bool inside_before_;
  uint64_t mode_before_ = float_mode();
};

#if defined(_OPENMP)
/// Keeps the first exception that any thread throws, for the caller; no task begins after it. An exception must not
/// leave an OpenMP region.
class FirstException {
 public:
  template <class F>
  void guard(const F& f) noexcept {
    if (taken_.load(std::memory_order_relaxed)) return;
    try {
      f();
    } catch (...) {
      if (!taken_.exchange(true)) exception_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::atomic<bool> taken_{false};
  std::exception_ptr exception_;
};

/// The right to open a parallel region; one caller has it at a time. The OpenMP runtime gives each calling thread
/// threads of its own, which would compete for the cores.
class Team {
 public:
  Team() : acquired_(!busy_.exchange(true, std::memory_order_acquire)) {}
  ~Team() {
    if (acquired_) busy_.store(false, std::memory_order_release);
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  bool acquired() const { return acquired_; }

  /// In the child of a fork: the thread that had the team stayed in the parent.
  static void reset() { busy_.store(false, std::memory_order_release); }

 private:
  static inline std::atomic<bool> busy_{false};
  bool acquired_;
};

// fork() copies only the calling thread. GCC's runtime keeps a pool of threads for each thread that opened a region and
// would wait in the child for threads that are not there; so the forking thread's pool ends before the fork, and its
// next loop makes a new one. Other threads' pools stay as they are: the child has not got their owners. LLVM's runtime
// has fork handlers of its own. They do not recover from a region of another thread, so the team stays busy in a child
// that was forked during one, and its loops run in place.
#if !defined(KMP_VERSION_MAJOR)
void end_pool_before_fork() {
  if (!omp_in_parallel()) omp_pause_resource_all(omp_pause_hard);
}
[[maybe_unused]] const int fork_handlers = pthread_atfork(end_pool_before_fork, nullptr, Team::reset);
#endif
#endif  // _OPENMP

void run_in_place(int64_t n, FunctionRef<void(int64_t)> body) {
  const BodyScope scope(current_thread);
  for (int64_t i = 0; i < n; ++i) body(i);
}

#if defined(_OPENMP)
int processors() { return omp_get_num_procs(); }

/// Runs body(i) for each i in [0, n). Regions always have all threads: libgomp ends and makes threads when their number
/// changes from region to region.
void run_tasks(int64_t n, FunctionRef<void(int64_t)> body) {
  const int threads = num_threads();
  if (n == 1 || threads == 1 || inside_body || omp_in_parallel()) return run_in_place(n, body);
  const Team team;
  if (!team.acquired()) return run_in_place(n, body);
  FirstException failure;
#pragma omp parallel num_threads(threads)
  {
    const BodyScope scope(omp_get_thread_num());
#pragma omp for schedule(dynamic, 1) nowait
    for (int64_t i = 0; i < n; ++i) failure.guard([&] { body(i); });
  }
  failure.rethrow();
}
#else
int processors() { return static_cast<int>(std::thread::hardware_concurrency()); }
void run_tasks(int64_t n, FunctionRef<void(int64_t)> body) { run_in_place(n, body); }
#endif

}  // namespace

int num_threads() {
  int n = threads_wanted.load(std::memory_order_relaxed);
  if (n == 0) {
    n = thread_count(std::getenv("DITHAROS_NUM_THREADS"), std::getenv("OMP_NUM_THREADS"), processors(), cpu_quota());
    threads_wanted.store(n, std::memory_order_relaxed);
  }
  return n;
}

void set_num_threads(int n) {
  check<ConfigError>(n >= 1 && n <= 1024, "the number of threads must be from 1 to 1024, got ", n);
  threads_wanted.store(n, std::memory_order_relaxed);
}

int thread_index() { return current_thread; }

void parallel_for(int64_t n, int64_t grain, FunctionRef<void(int64_t, int64_t)> body) {
  if (n <= 0) return;
  const int64_t pieces =
      inside_body ? 1 : std::min<int64_t>(num_threads(), (n + grain - 1) / std::max<int64_t>(grain, 1));
  if (pieces <= 1) return run_in_place(1, [&](int64_t) { body(0, n); });
  run_tasks(pieces, [&](int64_t piece) {
    const int64_t begin = n * piece / pieces, end = n * (piece + 1) / pieces;
    if (begin < end) body(begin, end);
  });
}

void parallel_tasks(int64_t n, FunctionRef<void(int64_t)> body) {
  if (n > 0) run_tasks(n, body);
}

}  // namespace ditharos
