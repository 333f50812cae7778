#include "examples/common/step_profile.h"

#include <algorithm>
#include <cstdio>

namespace ditharos::examples {
namespace {
constexpr int64_t most_warmup = 3, measured = 5;
}

StepProfile::StepProfile(std::string path, int64_t steps)
    : path_(std::move(path)), warmup_(std::clamp<int64_t>(steps - measured, 0, most_warmup)) {}

void StepProfile::next_step() {
  if (path_.empty()) return;
  if (steps_ == warmup_) profiler_.emplace();
  if (steps_ == warmup_ + measured) profiler_->stop();
  ++steps_;
}

void StepProfile::report() {
  if (path_.empty()) return;
  if (!profiler_) {
    std::printf("trace:      none; the run made %lld steps, and the first %lld are not watched\n",
                static_cast<long long>(steps_), static_cast<long long>(warmup_));
    return;
  }
  profiler_->stop();
  const int64_t watched = std::min(steps_ - warmup_, measured);
  std::printf("\none step, the mean of %lld:\n%s\n%s", static_cast<long long>(watched),
              profiler_->table(watched).c_str(), profiler_->module_table(watched).c_str());
  profiler_->save_trace(path_);
  std::printf("trace:      %s (chrome://tracing or ui.perfetto.dev)\n", path_.c_str());
}

}  // namespace ditharos::examples
