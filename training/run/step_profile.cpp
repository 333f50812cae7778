#include <ditharos/training/run/step_profile.h>

#include <algorithm>

namespace ditharos::training {
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

std::string StepProfile::finish(Reporter& reporter) {
  if (path_.empty()) return "";
  ProfileReport report;
  report.steps_made = steps_;
  report.steps_unwatched = warmup_;
  if (!profiler_) {
    reporter.profiled(report);
    return "";
  }
  profiler_->stop();
  report.steps_watched = std::min(steps_ - warmup_, measured);
  report.operations = profiler_->table(report.steps_watched);
  report.modules = profiler_->module_table(report.steps_watched);
  reporter.profiled(report);
  profiler_->save_trace(path_);
  return path_;
}

}  // namespace ditharos::training
