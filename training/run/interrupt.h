#pragma once
// Ctrl-C and other signals as a flag that a loop reads after each step, so that it can save before it ends.

namespace ditharos::training {

/// While an object exists, the signals with which people, shells and batch systems end a process only set the flag:
/// SIGINT, SIGTERM, SIGHUP (the terminal was closed), SIGUSR1, SIGUSR2 (the time limit of a batch job is near) and
/// SIGXCPU (the soft limit of processor time). A second SIGINT or SIGTERM ends the process at once; the others, which
/// some systems send repeatedly, only set the flag again. A signal that was ignored before stays ignored (nohup). Only
/// one object may exist at a time; the destructor restores the previous handlers.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool requested() const { return signal() != 0; }
  /// The number of the signal that came last, or 0.
  int signal() const;
};

}  // namespace ditharos::training
