#pragma once
// Internal to autograd/inspect/.
// What a profile says, as tables and as a trace: what Profiler's functions of these names return.
#include <string>
#include <vector>

#include <ditharos/autograd/inspect/profiler.h>

namespace ditharos {

std::string operation_table(const std::vector<ProfileEvent>& events, double seconds, int64_t steps);
std::string module_table(const std::vector<ProfileEvent>& events, double seconds, int64_t steps, int depth);
std::string chrome_trace(const std::vector<ProfileEvent>& events);

}  // namespace ditharos
