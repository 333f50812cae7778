#pragma once
// The output of a training program: notes, a progress bar, tables of a profile, and the end of the run.
#include <optional>
#include <string>

#include <ditharos/training/run/reporter.h>
#include <ditharos/training/training_loop.h>
#include "examples/cli/progress.h"

namespace ditharos::examples {

class RunReporter : public training::Reporter {
 public:
  void note(const std::string& sentence) override;
  void begin(int64_t done, int64_t total) override;
  void step(int64_t done, const training::StepMetrics& metrics) override;
  void measured(int64_t done, const training::JsonObject& figures) override;
  void end() override;
  void profiled(const training::ProfileReport& report) override;

  /// Prints what the run wrote, and returns the program's exit status: 0, or 128 plus the signal that ended it.
  int finish(const training::TrainingResult& result);

 private:
  std::optional<Progress> progress_;
};

}  // namespace ditharos::examples
