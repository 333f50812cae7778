#pragma once
// Internal to tensor/.
// The threads behind parallel loops. Only tensor/parallel.cpp uses this.
//
// Work comes in numbered pieces, and whoever is free takes the next one: the caller does not wait for a thread that
// sleeps or that another program keeps from its core, but does its piece as well. Between loops a thread looks out for
// work for some microseconds, then sleeps and leaves its core to others.
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include <pthread.h>

#include <ditharos/tensor/parallel.h>

namespace ditharos {

class ThreadTeam {
 public:
  /// The process's team; never destroyed, so that exit does not wait for threads. A forked child starts with a new one.
  static ThreadTeam& instance();

  /// Runs body(piece) for each piece in [0, pieces) on the caller and at most pieces - 1 others. Returns false, and has
  /// done nothing, when another caller has the team. `body` must not throw.
  bool run(int pieces, FunctionRef<void(int piece)> body);

  /// Puts each thread of ours on a core of its own, out of those that the process may use, or lets them roam again.
  void set_pinning(bool on);

 private:
  ThreadTeam() = default;
  void ensure_threads(int count);
  void apply_pinning();
  void leave_callers_core() const;
  void work();
  /// False when there is none. `ours`: called by one of our threads, not by the caller.
  bool work_one_piece(bool ours);
  void sleep();
  void wait_until_done();

  // One word, so that a thread which comes late cannot take a piece of a loop that it does not know: number of the
  // loop (32 bits), next piece (16), pieces (16).
  alignas(64) std::atomic<uint64_t> ticket_{0};
  alignas(64) std::atomic<int> unfinished_{0};  // pieces; what the body points to lives until it is 0
  alignas(64) std::atomic<int> alarm_{0};       // changes to wake the sleepers
  std::atomic<int> sleepers_{0};
  std::atomic<int> callers_core_{-1};  // where the present loop began
  const FunctionRef<void(int)>* body_ = nullptr;

  std::mutex caller_;  // held while a loop runs
  int threads_ = 0;    // ours, without the caller
  bool pinned_ = false;
  std::vector<pthread_t> handles_;
};

/// Number of cores that this process may use: by its affinity, and by the CPU quota of its control group, rounded down
/// to whole cores: more threads than it pays for would be stopped together in the middle of a loop.
int available_cores();
/// At most `quota` of so many cores, but one at least.
int cores_within(int cores, double quota);

}  // namespace ditharos
