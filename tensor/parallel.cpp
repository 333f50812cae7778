#include <ditharos/tensor/parallel.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/thread_team.h>
#if defined(_OPENMP)
#include <omp.h>
#endif
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace ditharos {
namespace {

int default_threads() {
  if (const char* text = std::getenv("DITHAROS_NUM_THREADS")) {
    char* end = nullptr;
    const long n = std::strtol(text, &end, 10);
    check<ConfigError>(*text && !*end && n >= 1 && n <= 1024,
                       "DITHAROS_NUM_THREADS must be a number from 1 to 1024, got \"", text, "\"");
    return static_cast<int>(n);
  }
  return available_cores();
}

std::atomic<int> threads_wanted{0};    // 0: not asked yet
thread_local int current_thread = 0;   // index inside the parallel body that this thread runs
thread_local bool inside_body = false;

/// Marks this thread as running a body: denormals count as zero, nested loops run in place. Restores both.
class BodyScope {
 public:
  explicit BodyScope(int index) : index_before_(current_thread), inside_before_(inside_body) {
    current_thread = index;
    inside_body = true;
#if defined(__SSE__)
    constexpr unsigned flush_to_zero_and_denormals_are_zero = 0x8040;
    mode_before_ = _mm_getcsr();
    _mm_setcsr(mode_before_ | flush_to_zero_and_denormals_are_zero);
#endif
  }
  ~BodyScope() {
#if defined(__SSE__)
    _mm_setcsr(mode_before_);
#endif
    current_thread = index_before_;
    inside_body = inside_before_;
  }
  BodyScope(const BodyScope&) = delete;
  BodyScope& operator=(const BodyScope&) = delete;

 private:
  int index_before_;
  bool inside_before_;
  [[maybe_unused]] unsigned mode_before_ = 0;
};

/// Keeps the first exception that any thread throws, for the caller.
class FirstException {
 public:
  template <class F>
  void guard(const F& f) noexcept {
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

/// True where the program has already spread over the cores by itself.
bool inside_foreign_team() {
#if defined(_OPENMP)
  return omp_in_parallel();
#else
  return false;
#endif
}

/// Runs body(thread) for each thread number in [0, threads), at once as far as there are free threads.
void run_team(int threads, FunctionRef<void(int)> body) {
  FirstException failure;
  const auto piece = [&](int t) {
    failure.guard([&] {
      BodyScope scope(t);
      body(t);
    });
  };
  if (inside_foreign_team() || !ThreadTeam::instance().run(threads, piece))
    for (int t = 0; t < threads; ++t) piece(t);
  failure.rethrow();
}

}  // namespace

int num_threads() {
  int n = threads_wanted.load(std::memory_order_relaxed);
  if (n == 0) threads_wanted.store(n = default_threads(), std::memory_order_relaxed);
  return n;
}

void set_num_threads(int n) {
  check<ConfigError>(n >= 1 && n <= 1024, "the number of threads must be from 1 to 1024, got ", n);
  threads_wanted.store(n, std::memory_order_relaxed);
}

void set_thread_pinning(bool on) { ThreadTeam::instance().set_pinning(on); }

int thread_index() { return current_thread; }

void parallel_for(int64_t n, int64_t grain, FunctionRef<void(int64_t, int64_t)> body) {
  if (n <= 0) return;
  const int64_t pieces = std::min<int64_t>(num_threads(), (n + grain - 1) / std::max<int64_t>(grain, 1));
  if (pieces <= 1 || inside_body) {
    BodyScope scope(current_thread);
    body(0, n);
    return;
  }
  run_team(static_cast<int>(pieces), [&](int t) {
    const int64_t begin = n * t / pieces, end = n * (t + 1) / pieces;
    if (begin < end) body(begin, end);
  });
}

void parallel_tasks(int64_t n, FunctionRef<void(int64_t)> body) {
  if (n <= 0) return;
  const int team = static_cast<int>(std::min<int64_t>(num_threads(), n));
  std::atomic<int64_t> next{0};
  const auto take_tasks = [&](int) {
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < n;) body(i);
  };
  if (team == 1 || inside_body) {
    BodyScope scope(current_thread);
    take_tasks(0);
    return;
  }
  run_team(team, take_tasks);
}

}  // namespace ditharos
