// Signals as a flag.
#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ditharos/tensor/error.h>
#include <ditharos/training/run/interrupt.h>

using namespace ditharos;
using namespace ditharos::training;

TEST_CASE("interrupt: the first signal sets the flag, a second one ends the process, the old handlers are restored") {
  {
    Interrupt interrupt;
    CHECK_FALSE(interrupt.requested());
    ::raise(SIGTERM);
    CHECK(interrupt.signal() == SIGTERM);
    CHECK_THROWS_AS(Interrupt(), Error);
  }
  {
    Interrupt interrupt;
    CHECK_FALSE(interrupt.requested());
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGINT, SIG_DFL);
    Interrupt interrupt;
    ::raise(SIGINT);
    if (!interrupt.requested()) ::_exit(1);
    ::raise(SIGINT);
    ::_exit(2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);

  struct sigaction now{};
  ::signal(SIGINT, SIG_IGN);  // as in a background job of a shell
  {
    Interrupt interrupt;
    ::raise(SIGINT);
    CHECK_FALSE(interrupt.requested());
  }
  ::sigaction(SIGINT, nullptr, &now);
  const bool is_ignored = now.sa_handler == SIG_IGN;
  CHECK(is_ignored);
  ::signal(SIGINT, SIG_DFL);
}

TEST_CASE(
    "regression: a signal's handler has a stack of its own, because oneDNN lets the stack pointer point into the "
    "heap") {
  stack_t before{}, during{}, after{};
  ::sigaltstack(nullptr, &before);
  {
    const Interrupt interrupt;
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU}) {
      struct sigaction now{};
      ::sigaction(number, nullptr, &now);
      if (now.sa_handler != SIG_IGN) CHECK((now.sa_flags & SA_ONSTACK) != 0);
    }
    ::sigaltstack(nullptr, &during);
    CHECK((during.ss_flags & SS_DISABLE) == 0);
    CHECK(during.ss_size >= 16384);
  }
  ::sigaltstack(nullptr, &after);
  CHECK(after.ss_flags == before.ss_flags);
}
