#pragma once
// Named measurements. Each is timed only while the machine is undisturbed, and compared with the machine's peak.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::bench {

/// Work to time, with its inputs prepared.
struct Work {
  std::function<void()> run;
  double flops = 0;        ///< floating-point operations of one run; 0: not what limits it
  double bytes = 0;        ///< memory read and written at least by one run; 0: not what limits it
  double items = 0;        ///< how many operations or allocations one run does: their time is quoted
  int64_t parameters = 0;  ///< that the model trains; 0: no model
};

struct Case {
  std::string name;
  std::function<Work()> prepare;  ///< called right before the case runs
};

/// Add the cases of one file.
void add_gemm_cases(std::vector<Case>& cases);
void add_conv_cases(std::vector<Case>& cases);
void add_kernel_cases(std::vector<Case>& cases);
void add_attention_cases(std::vector<Case>& cases);
void add_loss_cases(std::vector<Case>& cases);
void add_op_cases(std::vector<Case>& cases);
void add_allocator_cases(std::vector<Case>& cases);
void add_engine_cases(std::vector<Case>& cases);
void add_step_cases(std::vector<Case>& cases);
void add_sample_cases(std::vector<Case>& cases);
void add_video_cases(std::vector<Case>& cases);
void add_curve_cases(std::vector<Case>& cases);
void add_determinism_cases(std::vector<Case>& cases);
void add_parallel_cases(std::vector<Case>& cases);
void add_loading_cases(std::vector<Case>& cases);

struct Measurement {
  double seconds = 0;  ///< 20th percentile: what the machine does when left alone, without trusting the single best
  double median = 0;
  int repetitions = 0;
  bool clean = false;            ///< the machine ran at its peak before and after
  uint64_t system_requests = 0;  ///< that the allocator made of the system during the last repetition
};

/// Fused multiply-adds in registers on all threads, as GFLOP/s: the peak, or less when something disturbs the machine.
double measure_peak();

/// Times work.run() for about `budget` seconds, again until the machine was at `peak` before and after, a few times.
/// Raises `peak` where the machine is faster than that: it may have been disturbed when `peak` was measured.
Measurement measure(const Work& work, double& peak, double budget);

/// Normally distributed numbers, the same in every run.
Tensor random(const Shape& shape);

}  // namespace ditharos::bench
