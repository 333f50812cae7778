#include <ditharos/examples/common/step_profile.h>

#include <algorithm>
#include <cstdio>

#include <ditharos/tensor/error.h>

namespace ditharos::examples {

void StepProfile::next_step() {
  if (path_.empty()) return;
  if (steps_ == warmup) profiler_.emplace();
  if (steps_ == warmup + measured) profiler_->stop();
  ++steps_;
}

void StepProfile::report() {
  if (path_.empty()) return;
  check<ConfigError>(profiler_.has_value(), "--profile watches steps ", warmup + 1, " to ", warmup + measured,
                     ", and this run made only ", steps_, "; nothing was written to \"", path_, "\"");
  profiler_->stop();
  const int64_t watched = std::min(steps_ - warmup, measured);
  std::printf("\none step, the mean of %lld:\n%s\n%s", static_cast<long long>(watched),
              profiler_->table(watched).c_str(), profiler_->module_table(watched).c_str());
  profiler_->save_trace(path_);
  std::printf("trace:      %s (chrome://tracing or ui.perfetto.dev)\n", path_.c_str());
}

}  // namespace ditharos::examples
