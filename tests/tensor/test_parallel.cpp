// Parallel loops: every index once, exceptions, denormals, and programs that have threads, OpenMP regions and forks.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ditharos/tensor/error.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/system/float_mode.h>

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

/// True when `n` bodies of a loop run at the same time: each waits for the others, some seconds at most.
bool run_at_once(int n) {
  std::atomic<int> arrived{0};
  std::atomic<bool> missed{false};
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  parallel_tasks(n, [&](int64_t) {
    ++arrived;
    while (arrived < n && !missed) {
      if (std::chrono::steady_clock::now() > end) missed = true;
      std::this_thread::yield();
    }
  });
  return !missed;
}

/// True when all bodies of a loop run in the calling thread, each once.
bool run_in_calling_thread() {
  const auto caller = std::this_thread::get_id();
  std::atomic<int> here{0}, elsewhere{0};
  parallel_tasks(64, [&](int64_t) { ++(std::this_thread::get_id() == caller ? here : elsewhere); });
  parallel_for(64, 1, [&](int64_t begin, int64_t end) {
    (std::this_thread::get_id() == caller ? here : elsewhere) += static_cast<int>(end - begin);
  });
  return here == 128 && elsewhere == 0;
}

/// A loop on a thread of its own that holds the team from the constructor's end to the destructor.
class LoopElsewhere {
 public:
  LoopElsewhere() {
    while (!begun_) std::this_thread::yield();
  }
  ~LoopElsewhere() {
    ended_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> begun_{false}, ended_{false};
  std::thread thread_{[this] {
    parallel_tasks(8, [this](int64_t) {
      begun_ = true;
      while (!ended_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
  }};
};

/// The exit status of a child that runs `body`, or -1 when it does not end within some seconds.
template <class F>
int status_of_child(const F& body) {
  const pid_t child = fork();
  if (child < 0) return -1;
  if (child == 0) {
    alarm(20);  // ends a child that hangs
    _exit(body());
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1;
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
  for (int i = 0; i < 5000; ++i) sum += parallel_sum(8);
  CHECK(sum == 5000 * 28);
}

TEST_CASE("threads that went to sleep come back") {
  const Threads scope(4);
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    CHECK(parallel_sum(100) == 4950);
  }
}

TEST_CASE("a loop runs on the configured number of threads") {
  for (const int threads : {2, 4, 3}) {
    const Threads scope(threads);
    CHECK(run_at_once(threads));
  }
  const Threads scope(1);
  CHECK(run_in_calling_thread());
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

TEST_CASE("no task begins after an exception") {
  for (const int threads : {1, 2, 4}) {
    const Threads scope(threads);
    std::atomic<int> begun{0};
    const auto stop = [&] {
      ++begun;
      fail("stop");
    };
    // Each thread's first task may have begun before another one failed.
    CHECK_THROWS_WITH_AS(parallel_tasks(1000, [&](int64_t) { stop(); }), "stop", Error);
    CHECK(begun >= 1);
    CHECK(begun <= threads);
    begun = 0;
    parallel_tasks(1, [&](int64_t) {  // a nested loop runs in place
      CHECK_THROWS_WITH_AS(parallel_tasks(1000, [&](int64_t) { stop(); }), "stop", Error);
    });
    CHECK(begun == 1);
  }
}

#if defined(__SSE__) || defined(__aarch64__)
TEST_CASE("bodies flush denormals; the caller's mode comes back, after exceptions too") {
  const uint64_t before = float_mode();
  for (const int threads : {1, 4}) {
    const Threads scope(threads);
    // 0x8000 is a half of x86-64's bits: results are flushed, operands are not.
    for (const uint64_t mode :
         {before & ~flush_denormals, before | flush_denormals, before | (flush_denormals & 0x8000)}) {
      set_float_mode(mode);
      std::atomic<int> kept{0};
      const auto body = [&](int64_t) {
        volatile float tiny = 1e-38f;
        if (tiny * .01f != 0) ++kept;
      };
      parallel_tasks(64, body);
      CHECK(kept == 0);
      CHECK((float_mode() & flush_denormals) == (mode & flush_denormals));
      CHECK_THROWS_AS(parallel_tasks(64, [](int64_t) { fail("stop"); }), Error);
      CHECK_THROWS_AS(parallel_for(64, 1, [](int64_t, int64_t) { fail("stop"); }), Error);
      CHECK_THROWS_AS(parallel_for(64, 64, [](int64_t, int64_t) { fail("stop"); }), Error);
      CHECK((float_mode() & flush_denormals) == (mode & flush_denormals));
    }
  }
  set_float_mode(before);
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

TEST_CASE("while one thread runs a loop, another one's loops run in place") {
  const Threads scope(4);
  {
    const LoopElsewhere loop;
    CHECK(run_in_calling_thread());
  }
  CHECK(run_at_once(4));
}

TEST_CASE("loops inside an OpenMP region of the program run in place") {
  const Threads scope(4);
  for (const int threads : {3, 2}) {
    std::atomic<int> team{0}, in_place{0}, right{0};
#pragma omp parallel num_threads(threads)
    {
      if (omp_get_thread_num() == 0) team = omp_get_num_threads();
      in_place += run_in_calling_thread();
      right += parallel_sum(1000) == 499500;
    }
    CHECK(team == threads);
    CHECK(in_place == threads);
    CHECK(right == threads);
    CHECK(run_at_once(4));
  }
}

TEST_CASE("a forked child computes with threads of its own, and parent and child end") {
  const Threads scope(4);
  CHECK(parallel_sum(100) == 4950);
  const auto compute = [] { return parallel_sum(1000) == 499500 && run_at_once(4) ? 0 : 1; };
  CHECK(status_of_child(compute) == 0);
  CHECK(status_of_child([&] { return compute() ? 1 : status_of_child(compute); }) == 0);
  CHECK(run_at_once(4));
}

TEST_CASE("a child that is forked inside a loop computes in place") {
  const Threads scope(4);
  for (const bool nested : {false, true}) {
    std::atomic<int> right{0};
    const auto fork_and_compute = [&](int64_t) {
      right += status_of_child([] { return parallel_sum(1000) == 499500 && run_in_calling_thread() ? 0 : 1; }) == 0;
    };
    parallel_tasks(4, [&](int64_t i) {
      if (nested) parallel_tasks(1, fork_and_compute);
      else fork_and_compute(i);
    });
    CHECK(right == 4);
    CHECK(run_at_once(4));
  }
}

TEST_CASE("a child that is forked while another thread runs a loop computes") {
  const Threads scope(4);
  const auto compute = [] {
#if defined(KMP_VERSION_MAJOR)  // LLVM's runtime
    const bool as_expected = run_in_calling_thread();
#else
    const bool as_expected = run_at_once(4);
#endif
    return parallel_sum(1000) == 499500 && as_expected ? 0 : 1;
  };
  for (const bool had_threads : {true, false}) {
    int status = -1;
    std::thread forking([&] {
      if (had_threads) CHECK(run_at_once(4));
      const LoopElsewhere loop;
      status = status_of_child(compute);
    });
    forking.join();
    CHECK(status == 0);
    CHECK(run_at_once(4));
  }
}

TEST_CASE("the number of threads is checked") {
  CHECK_THROWS_WITH_AS(set_num_threads(0), "the number of threads must be from 1 to 1024, got 0", ConfigError);
  CHECK_THROWS_AS(set_num_threads(1025), ConfigError);
}
