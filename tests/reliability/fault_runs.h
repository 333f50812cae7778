#pragma once
// Programs with one failing call to the system (tests/faults/faults.cpp), and what a run's folder holds before and
// after.
#include <cstdint>
#include <map>
#include <string>

#include "tests/support/run_program.h"

namespace ditharos::tests {

/// The library for LD_PRELOAD; "" where it is not built, as with sanitizers.
std::string fault_library();

/// One call that fails: "write:17:28" (see tests/faults/faults.cpp).
struct Fault {
  std::string call;        ///< kind: "write"
  uint64_t at = 1;         ///< the number of the call
  std::string how = "28";  ///< errno, errno and '+' for all later calls too, or "short"
  std::string text() const { return call + ":" + std::to_string(at) + ":" + how; }
};

/// Runs a program of examples/ with this fault.
Outcome run_with_fault(const std::string& program, const Arguments& arguments, const Fault& fault);
/// Runs it without one; the number of calls of each kind.
std::map<std::string, uint64_t> count_calls(const std::string& program, const Arguments& arguments);

/// Every file below a folder with its bytes, by its path in the folder. Empty files are left out, such as locks.
std::map<std::string, std::string> files_in(const std::string& folder);
/// The names of the files in which two folders differ, with a reason; "" when they are equal.
std::string differing_files(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b);

}  // namespace ditharos::tests
