#pragma once
// Ctrl-C and other signals as a flag that a loop asks for after each step, so that it can save before it ends.

namespace ditharos::training {

/// While one lives, the signals with which people, shells and batch systems end a process only set the flag: SIGINT,
/// SIGTERM, SIGHUP (the terminal is gone), SIGUSR1, SIGUSR2 (the time of a batch job is nearly up) and SIGXCPU (the
/// soft limit of processor time). A second SIGINT or SIGTERM ends the process at once, as ever; the others are sent
/// repeatedly by some systems, and are only remembered. A signal that was ignored before stays ignored (nohup). One
/// object at a time; the destructor restores what was before.
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
