#pragma once
// A profile of what a thread computes: every operation forward and backward, the optimiser, random numbers.
//
//   Profiler profiler;                       // begins
//   trainer.step(batch.images(), batch.labels);
//   profiler.stop();
//   std::puts(profiler.table().c_str());
//   profiler.save_trace("trace.json");       // for chrome://tracing or ui.perfetto.dev
//
// The forward time of an operation lasts from the allocation of its result's memory to its recording, so custom
// operations are measured like built-in ones. The work of a kernel before the allocation (a copy of a strided input)
// counts as time between operations. A view takes no time. The engine measures whole backward rules. Operations that a
// rule calls lie inside it in the trace and are not counted again in the tables.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/tensor/observer.h>

namespace ditharos {

struct ProfileEvent {
  const char* name;  ///< of the operation, as in the op table
  WorkKind kind;
  const char* module;          ///< path of the module that called it ("blocks.3.attn.qkv"); "" if none or unnamed
  std::string shape;           ///< of the result; in the backward pass of the gradient that came in
  int64_t begin = 0, end = 0;  ///< nanoseconds since the profiler began
  int depth = 0;               ///< 0, or how many events this one lies in
  uint64_t bytes = 0;          ///< memory taken for tensors and scratch
  double flops = 0;            ///< of matrix products, attention and convolutions; 0: not counted
};

/// Observes the thread that creates it. AutogradError if the thread already has a profiler.
class Profiler : private Observer {
 public:
  Profiler();

  /// Ends the measurement. On the thread that began it.
  void stop();
  /// In the order of their ends; complete after stop().
  const std::vector<ProfileEvent>& events() const { return events_; }
  /// From beginning to stop, in seconds.
  double seconds() const { return double(duration_) * 1e-9; }

  /// By operation and pass: calls, total milliseconds, share of the whole time, GFLOP/s, megabytes taken. The last
  /// lines are what lies between operations and the sum. `steps` divides calls, times and bytes.
  std::string table(int64_t steps = 1) const;
  /// The same by module; `depth` parts of a path tell modules apart ("blocks.3.attn" has three), and a number among
  /// them becomes "*", so that equal blocks are added up.
  std::string module_table(int64_t steps = 1, int depth = 4) const;
  /// Chrome's trace format (JSON): name, module, shape, bytes and GFLOP/s of each event.
  std::string chrome_trace() const;
  /// Writes it to a file. IoError when that fails.
  void save_trace(const std::string& path) const;

 private:
  void begin(const WorkItem& work) override;
  void end() override;
  void on_result(const WorkItem& work, const Tensor& result, const std::vector<Tensor>& inputs) override;
  void on_storage(size_t bytes, int64_t birth) override;
  void on_flops(double n) override { flops_ += n; }
  void finish(ProfileEvent event);

  struct Birth {  // of a storage: its number, the moment and what had been counted until then
    int64_t number;
    int64_t time;
    uint64_t bytes;
    double flops;
  };

  int64_t start_ = 0, duration_ = 0, last_end_ = 0;
  uint64_t bytes_ = 0;  // counted since the start
  double flops_ = 0;
  std::vector<Birth> births_;       // since the last event's end
  std::vector<ProfileEvent> open_;  // begun; bytes and flops are the counts at that moment
  std::vector<ProfileEvent> events_;
  std::optional<ObserverScope> scope_;  // until stop()
};

}  // namespace ditharos
