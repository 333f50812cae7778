#pragma once
// The output of the benchmark program.
#include "tests/bench/bench.h"

namespace ditharos::bench {

struct Result {
  std::string name;
  Work work;
  Measurement measured;
  size_t allocator_peak, system_peak;  ///< bytes
};

/// The machine: threads, instruction set, peak in GFLOP/s.
void print_machine(bool json, double peak);
/// One case.
void print_result(bool json, const Result& result, double peak);

}  // namespace ditharos::bench
