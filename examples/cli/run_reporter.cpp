#include "examples/cli/run_reporter.h"

#include <cstdio>

namespace ditharos::examples {

void RunReporter::note(const std::string& sentence) {
  if (progress_) progress_->note(sentence);
  else std::printf("%s\n", sentence.c_str());
}

void RunReporter::begin(int64_t done, int64_t total) { progress_.emplace(done, total); }

void RunReporter::step(int64_t done, const training::StepMetrics& m) {
  progress_->update(done, {{"loss", m.loss}, {"grad", m.grad_norm}, {"lr", m.lr}});
}

void RunReporter::measured(int64_t done, const training::JsonObject& figures) {
  progress_->note("step " + std::to_string(done) + ": " + figures.text());
}

void RunReporter::end() { progress_->finish(); }

void RunReporter::profiled(const training::ProfileReport& report) {
  if (report.steps_watched == 0) {
    std::printf("trace:      none; the run made %lld steps, and the first %lld are not watched\n",
                static_cast<long long>(report.steps_made), static_cast<long long>(report.steps_unwatched));
    return;
  }
  std::printf("\none step, the mean of %lld:\n%s\n%s", static_cast<long long>(report.steps_watched),
              report.operations.c_str(), report.modules.c_str());
  if (!report.communication.empty())
    std::printf("\nmessages between the ranks, in one step:\n%s", report.communication.c_str());
}

int RunReporter::finish(const training::TrainingResult& result) {
  if (!result.trace.empty())
    std::printf("trace:      %s (chrome://tracing or ui.perfetto.dev)\n", result.trace.c_str());
  if (result.signal != 0) {
    std::printf("interrupted after step %lld; saved %s; --resume auto goes on from there\n",
                static_cast<long long>(result.steps), result.checkpoint.c_str());
    return 128 + result.signal;
  }
  if (result.checkpoint.empty()) {
    std::printf("nothing was trained or written\n");
    return 0;
  }
  std::printf("samples:    %s\ncheckpoint: %s\nmetrics:    %s\n", result.samples.c_str(), result.checkpoint.c_str(),
              result.metrics.c_str());
  if (!result.report.empty()) std::printf("report:     %s\n", result.report.c_str());
  return 0;
}

}  // namespace ditharos::examples
