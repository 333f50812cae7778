#pragma once
// Internal to data/codecs/.
// Runs other programs.
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ditharos::data {

struct ProgramResult {
  enum class Status { succeeded, failed, not_installed, output_too_long, timed_out } status = Status::failed;
  std::string output;  ///< its standard output
  std::string errors;  ///< the first kilobytes of its standard error
};

/// The default time limit of a program.
inline constexpr std::chrono::milliseconds default_time_limit = std::chrono::minutes(10);

/// Runs a program, found along PATH, with these arguments (the first is its name) and waits for its end. There is no
/// shell, so no byte of a file's name is special. `input` is its standard input. It is killed when it has written more
/// than `output_limit` bytes, more than a megabyte of errors, or has run for `time_limit`. The processes of its group
/// are killed with it or after its end. IoError when the system cannot run any program.
ProgramResult run_program(const std::vector<std::string>& arguments, std::string_view input, size_t output_limit,
                          std::chrono::milliseconds time_limit = default_time_limit);

}  // namespace ditharos::data
