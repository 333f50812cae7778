#pragma once
// Internal to data/codecs/.
// Other programs, run to do a part of the work.
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ditharos::data {

struct ProgramResult {
  enum class Status { succeeded, failed, not_installed, output_too_long, timed_out } status = Status::failed;
  std::string output;  ///< what it wrote to its standard output
  std::string errors;  ///< the first kilobytes of what it wrote to its standard error
};

/// How long a program may take unless its caller says otherwise.
inline constexpr std::chrono::milliseconds default_time_limit = std::chrono::minutes(10);

/// Runs a program, found along PATH, with these arguments (the first is its name) and waits for its end. No shell reads
/// them, so every byte of a file's name is just that. `input` is what it reads from its standard input. It is killed
/// once it has written more than `output_limit` bytes, more than a megabyte of errors, or has run for `time_limit`;
/// what it has started itself, in its process group, is killed with it, and after its end. IoError when the system
/// cannot run any program.
ProgramResult run_program(const std::vector<std::string>& arguments, std::string_view input, size_t output_limit,
                          std::chrono::milliseconds time_limit = default_time_limit);

}  // namespace ditharos::data
