#pragma once
// What the library runs on and how it was built, as text for the records of a run.
#include <string>
#include <utility>
#include <vector>

namespace ditharos {

/// Names and values, in the order in which a person reads them: version, build type, compiler, CPU, the instruction
/// sets of the CPU and of the kernels, cores, threads, memory, the library of matrix products, operating system. What
/// cannot be found out is left out.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> describe_environment();

/// The command line of this process, quoted for a shell; empty where the system does not tell it.
[[nodiscard]] std::string command_line();

}  // namespace ditharos
