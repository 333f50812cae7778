#pragma once
// Runs a part of a test with little memory, in a child process.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <exception>
#include <fstream>
#include <new>
#include <string>

#include <ditharos/tensor/allocator.h>
#include <ditharos/tensor/error.h>

namespace ditharos::tests {

inline constexpr uint64_t MiB = uint64_t{1} << 20;

/// Whether a limit on the address space holds. The sanitizers reserve terabytes of it, and a limit would end the
/// process; QEMU's user emulation takes a limit without an error and does not keep it.
inline bool can_bound_memory() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return false;
#else
  rlimit before{}, now{};
  ::getrlimit(RLIMIT_AS, &before);
  const rlimit large{rlim_t{1} << 46, before.rlim_max};  // more than any process has
  if (::setrlimit(RLIMIT_AS, &large) != 0) return true;
  ::getrlimit(RLIMIT_AS, &now);
  ::setrlimit(RLIMIT_AS, &before);
  return now.rlim_cur == large.rlim_cur;
#endif
}

/// What f returns, or the message of what it throws, in a child process that may map `bytes` more than it has; "out of
/// memory" when that is not enough, "ended by a signal" when it crashes. f must not use threads. Without the limit
/// where none holds.
template <class F>
std::string with_memory(uint64_t bytes, const F& f) {
  const auto run = [&]() -> std::string {
    try {
      return f();
    } catch (const std::bad_alloc&) {
      return "out of memory";
    } catch (const std::exception& e) {
      return e.what();
    }
  };
  if (!can_bound_memory()) return run();
  release_cached();
  ::malloc_trim(0);  // what free() keeps at the end of the heap, up to 64 MiB, would not count
  std::array<int, 2> ends{};
  check<Error>(::pipe(ends.data()) == 0, "pipe");
  const pid_t child = ::fork();
  check<Error>(child >= 0, "fork");
  if (child == 0) {
    uint64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t limit = pages * uint64_t(::sysconf(_SC_PAGESIZE)) + bytes;
    const rlimit both{limit, limit};
    ::setrlimit(RLIMIT_AS, &both);
    const std::string text = run();
    const ssize_t written = ::write(ends[1], text.data(), text.size());
    ::_exit(written == ssize_t(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 4096> block{};
  for (ssize_t got = 0; (got = ::read(ends[0], block.data(), block.size())) > 0;)
    text.append(block.data(), size_t(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? text : "ended by a signal";
}

}  // namespace ditharos::tests
