#include <ditharos/training/run/reporter.h>

namespace ditharos::training {

void Reporter::note(const std::string&) {}
void Reporter::begin(int64_t, int64_t) {}
void Reporter::step(int64_t, const StepMetrics&) {}
void Reporter::measured(int64_t, const JsonObject&) {}
void Reporter::end() {}
void Reporter::profiled(const ProfileReport&) {}

Reporter& silent() {
  static Reporter reporter;
  return reporter;
}

}  // namespace ditharos::training
