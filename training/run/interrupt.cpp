#include <ditharos/training/run/interrupt.h>

#include <signal.h>

#include <array>
#include <atomic>
#include <cstddef>

#include <ditharos/tensor/error.h>

namespace ditharos::training {

namespace {

struct Handled {
  int signal;
  bool once;  // a second one has its default effect
};
constexpr std::array<Handled, 6> kSignals{
    {{SIGINT, true}, {SIGTERM, true}, {SIGHUP, false}, {SIGUSR1, false}, {SIGUSR2, false}, {SIGXCPU, false}}};

std::atomic<bool> in_use{false};
std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free);  // or a signal handler could not store to it
std::array<struct sigaction, kSignals.size()> previous;

extern "C" void remember_signal(int number) { received = number; }

/// A stack of its own for the handler. oneDNN's kernels for AVX2 point the stack pointer into a buffer of the heap
/// while they run; what the system stores below it for a handler would overwrite other memory.
alignas(64) std::array<std::byte, 65536> handler_stack;
stack_t previous_stack{};

}  // namespace

Interrupt::Interrupt() {
  check(!in_use.exchange(true), "[Interrupt] there is one already");
  received = 0;
  struct sigaction action{};
  action.sa_handler = remember_signal;
  sigemptyset(&action.sa_mask);
  sigaltstack(nullptr, &previous_stack);
  if ((previous_stack.ss_flags & SS_DISABLE) != 0) {  // a sanitizer has one already
    stack_t stack{};
    stack.ss_sp = handler_stack.data();
    stack.ss_size = handler_stack.size();
    sigaltstack(&stack, nullptr);
  }
  for (size_t i = 0; i < kSignals.size(); ++i) {
    // System calls that the signal interrupts are restarted.
    action.sa_flags = SA_RESTART | SA_ONSTACK | (kSignals[i].once ? static_cast<int>(SA_RESETHAND) : 0);
    sigaction(kSignals[i].signal, nullptr, &previous[i]);
    // A shell starts background jobs with SIGINT ignored; it stays ignored.
    if (previous[i].sa_handler != SIG_IGN) sigaction(kSignals[i].signal, &action, nullptr);
  }
}

Interrupt::~Interrupt() {
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i].signal, &previous[i], nullptr);
  if ((previous_stack.ss_flags & SS_DISABLE) != 0) sigaltstack(&previous_stack, nullptr);
  in_use = false;
}

int Interrupt::signal() const { return received; }

}  // namespace ditharos::training
