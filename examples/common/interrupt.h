#pragma once
// Ctrl-C and SIGTERM as a flag that a loop asks for after each step, so that it can save before it ends.

namespace ditharos::examples {

/// While one lives, the first SIGINT and the first SIGTERM only set the flag; a second one of the same kind ends the
/// process at once, as ever. One at a time; the destructor restores what was before.
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

}  // namespace ditharos::examples
