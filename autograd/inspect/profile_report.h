#pragma once
// Internal to autograd/inspect/.
// A profile as tables and as a trace; these are the results of Profiler's functions of the same names.
#include <string>
#include <vector>

#include <ditharos/autograd/inspect/profiler.h>

namespace ditharos {

std::string operation_table(const std::vector<ProfileEvent>& events, double seconds, int64_t steps);
std::string module_table(const std::vector<ProfileEvent>& events, double seconds, int64_t steps, int depth);
std::string chrome_trace(const std::vector<ProfileEvent>& events);

}  // namespace ditharos
