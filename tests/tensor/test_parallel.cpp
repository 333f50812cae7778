// Parallel loops: every index once, exceptions, modes of the processor, and manners towards the rest of the program.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/random.h>

using namespace ditharos;

namespace {

class Threads {
 public:
  explicit Threads(int n) : before_(num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(before_); }

 private:
  int before_;
};

int64_t parallel_sum(int64_t n) {
  std::atomic<int64_t> sum{0};
  parallel_for(n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) sum += i;
  });
  return sum;
}

/// The status of a child that runs `body`, or -1 when it does not end within some seconds.
template <class F>
int status_of_child(const F& body) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(20);  // a child that hangs dies of it
    _exit(body());
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("every index and every task runs once, at any number of threads") {
  for (const int threads : {1, 2, 3, 4, 8, 40}) {
    const Threads scope(threads);
    for (const int64_t n : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(n));
      parallel_for(n, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++hits[size_t(i)];
      });
      parallel_tasks(n, [&](int64_t i) { ++hits[size_t(i)]; });
      for (const auto& h : hits) CHECK(h == 2);
    }
  }
}

TEST_CASE("many short loops, one after the other") {
  const Threads scope(4);
  int64_t sum = 0;
  for (int i = 0; i < 20000; ++i) sum += parallel_sum(8);
  CHECK(sum == 20000 * 28);
}

TEST_CASE("threads that went to sleep come back") {
  const Threads scope(4);
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    CHECK(parallel_sum(100) == 4950);
  }
}

TEST_CASE("bodies that run at once have different indices below the number of threads") {
  const Threads scope(4);
  std::mutex mutex;
  std::set<int> running;
  bool clash = false, outside = false;
  parallel_tasks(200, [&](int64_t) {
    {
      const std::lock_guard lock(mutex);
      clash |= !running.insert(thread_index()).second;
      outside |= thread_index() < 0 || thread_index() >= 4;
    }
    std::this_thread::yield();
    const std::lock_guard lock(mutex);
    running.erase(thread_index());
  });
  CHECK_FALSE(clash);
  CHECK_FALSE(outside);
  CHECK(thread_index() == 0);
}

TEST_CASE("loops within a body run in place") {
  const Threads scope(4);
  std::atomic<int64_t> sum{0};
  parallel_tasks(8, [&](int64_t) {
    const int index = thread_index();
    parallel_for(100, 1, [&](int64_t begin, int64_t end) {
      if (thread_index() == index) sum += end - begin;
    });
  });
  CHECK(sum == 800);
}

TEST_CASE("an exception reaches the caller, and the next loop works") {
  const Threads scope(4);
  for (int i = 0; i < 50; ++i) {
    CHECK_THROWS_WITH_AS(parallel_tasks(64, [](int64_t task) { check(task != 37, "task ", task); }), "task 37", Error);
    CHECK(parallel_sum(100) == 4950);
  }
}

#if defined(__SSE__)
TEST_CASE("bodies flush denormals; the caller's mode comes back, after exceptions too") {
  const unsigned before = _mm_getcsr();
  for (const int threads : {1, 4}) {
    const Threads scope(threads);
    for (const unsigned mode : {before & ~0x8040u, before | 0x8040u, before | 0x8000u}) {
      _mm_setcsr(mode);
      std::atomic<int> kept{0};
      const auto body = [&](int64_t) {
        volatile float tiny = 1e-38f;
        if (tiny * .01f != 0) ++kept;
      };
      parallel_tasks(64, body);
      CHECK(kept == 0);
      CHECK((_mm_getcsr() & 0x8040u) == (mode & 0x8040u));
      CHECK_THROWS_AS(parallel_tasks(64, [](int64_t) { fail("stop"); }), Error);
      CHECK_THROWS_AS(parallel_for(64, 1, [](int64_t, int64_t) { fail("stop"); }), Error);
      CHECK_THROWS_AS(parallel_for(64, 64, [](int64_t, int64_t) { fail("stop"); }), Error);
      CHECK((_mm_getcsr() & 0x8040u) == (mode & 0x8040u));
    }
  }
  _mm_setcsr(before);
}
#endif

TEST_CASE("several threads of a program may compute at the same time") {
  const Threads scope(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&] {
      for (int i = 0; i < 500; ++i) wrong += parallel_sum(50) != 1225;
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("a forked child computes with threads of its own, and parent and child end") {
  const Threads scope(4);
  CHECK(parallel_sum(100) == 4950);
  CHECK(status_of_child([] { return parallel_sum(1000) == 499500 ? 0 : 1; }) == 0);
  CHECK(status_of_child([] { return status_of_child([] { return parallel_sum(10) == 45 ? 0 : 1; }); }) == 0);
  CHECK(parallel_sum(100) == 4950);
}

#if defined(__linux__)
TEST_CASE("the caller's affinity stays as it is, pinned or not") {
  const Threads scope(4);
  cpu_set_t before, after;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  for (const bool on : {true, false, true, false}) {
    set_thread_pinning(on);
    CHECK(parallel_sum(100) == 4950);
    REQUIRE(sched_getaffinity(0, sizeof after, &after) == 0);
    CHECK(CPU_EQUAL(&before, &after));
  }
}

TEST_CASE("pinned threads have a core of their own; afterwards they roam again") {
  const int cores = num_threads();
  if (cores < 2) return;
  const Threads scope(2);
  const auto sizes_of_masks = [] {
    std::mutex mutex;
    std::set<int> sizes;
    const auto caller = std::this_thread::get_id();
    for (int attempt = 0; attempt < 1000 && sizes.empty(); ++attempt)  // until one of ours had a turn
      parallel_tasks(64, [&](int64_t) {
        std::this_thread::sleep_for(std::chrono::microseconds(20));
        if (std::this_thread::get_id() == caller) return;
        cpu_set_t set;
        sched_getaffinity(0, sizeof set, &set);
        const std::lock_guard lock(mutex);
        sizes.insert(CPU_COUNT(&set));
      });
    return sizes;
  };
  cpu_set_t mine;
  REQUIRE(sched_getaffinity(0, sizeof mine, &mine) == 0);
  set_thread_pinning(true);
  CHECK(sizes_of_masks() == std::set<int>{1});
  set_thread_pinning(false);
  CHECK(sizes_of_masks() == std::set<int>{CPU_COUNT(&mine)});
}
#endif

TEST_CASE("signals are delivered to the program's own threads") {
  const Threads scope(4);
  parallel_sum(100);
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  CHECK(sigismember(&blocked, SIGINT) == 0);
  std::atomic<int> open{0};
  const auto caller = std::this_thread::get_id();
  parallel_tasks(200, [&](int64_t) {
    if (std::this_thread::get_id() == caller) return;
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, nullptr, &set);
    if (!sigismember(&set, SIGINT)) ++open;
  });
  CHECK(open == 0);
}

TEST_CASE("the number of threads is checked") {
  CHECK_THROWS_WITH_AS(set_num_threads(0), "the number of threads must be from 1 to 1024, got 0", ConfigError);
  CHECK_THROWS_AS(set_num_threads(1025), ConfigError);
}
