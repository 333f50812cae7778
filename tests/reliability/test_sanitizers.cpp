// In a build with sanitizers, a fault in memory or of undefined behaviour ends the program: no test passes with one.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <limits>
#include <string>

#include <ditharos/tensor/io/file.h>
#include "tests/support/page_text.h"
#include "tests/support/temporary_folder.h"

using namespace ditharos;

namespace {

/// What f prints to stderr in a child process, which must not end with status 0.
[[maybe_unused]] std::string report_of(const std::function<void()>& f) {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "report";
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open(path.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
    f();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0 ? "" : read_file(path, 1 << 20);
}

}  // namespace

TEST_CASE("R16: the presets with sanitizers end a program at the first fault") {
#if defined(__SANITIZE_ADDRESS__)
  const std::string overflow = report_of([] {
    const volatile size_t bytes = 8;  // unknown to the compiler, whose check of sizes would find the fault first
    auto* const block = static_cast<volatile char*>(std::malloc(bytes));
    block[8] = 1;
    std::free(const_cast<char*>(block));
  });
  CHECK_MESSAGE(tests::contains(overflow, "heap-buffer-overflow"), overflow);
  const std::string freed = report_of([] {
    auto* const block = static_cast<volatile char*>(std::malloc(8));
    std::free(const_cast<char*>(block));
    block[0] = 1;
  });
  CHECK_MESSAGE(tests::contains(freed, "heap-use-after-free"), freed);
  const std::string undefined = report_of([] {
    volatile int large = std::numeric_limits<int>::max();
    large = large + 1;
  });
  CHECK_MESSAGE(tests::contains(undefined, "signed integer overflow"), undefined);
#else
  MESSAGE("skipped: this build has no AddressSanitizer; ctest --preset asan-ubsan");
#endif
}
