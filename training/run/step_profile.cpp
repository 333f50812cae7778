#include <ditharos/training/run/step_profile.h>

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/io/text_table.h>

namespace ditharos::training {
namespace {

constexpr int64_t most_warmup = 3, measured = 5;

/// The traces of all ranks as one, in which each rank is a process.
std::string merged(const std::vector<std::string>& traces) {
  using Json = nlohmann::json;
  Json all = {{"displayTimeUnit", "ms"}, {"traceEvents", Json::array()}};
  for (size_t rank = 0; rank < traces.size(); ++rank) {
    all["traceEvents"].push_back({{"name", "process_name"},
                                  {"ph", "M"},
                                  {"pid", rank + 1},
                                  {"args", {{"name", "rank " + std::to_string(rank)}}}});
    for (Json event : Json::parse(traces[rank])["traceEvents"]) {
      event["pid"] = rank + 1;
      all["traceEvents"].push_back(std::move(event));
    }
  }
  return all.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

StepProfile::StepProfile(std::string path, int64_t steps, const Trainer& trainer)
    : path_(std::move(path)), trainer_(trainer), warmup_(std::clamp<int64_t>(steps - measured, 0, most_warmup)) {}

void StepProfile::next_step() {
  if (path_.empty()) return;
  if (steps_ == warmup_) {
    trainer_.ranks().barrier();  // so that the times of all ranks begin together
    cost_ = trainer_.communication();
    profiler_.emplace();
    running_ = true;
  }
  if (steps_ == warmup_ + measured) stop();
  ++steps_;
}

void StepProfile::stop() {
  if (!std::exchange(running_, false)) return;
  profiler_->stop();
  const ExchangeCost& now = trainer_.communication();
  cost_ = {now.bytes_sent - cost_.bytes_sent, now.seconds - cost_.seconds, now.exposed_seconds - cost_.exposed_seconds};
}

/// A row a rank: what its messages have cost in one step. Empty for one rank.
std::string StepProfile::cost_table() const {
  Communicator& ranks = trainer_.ranks();
  if (ranks.size() == 1) return "";
  const double steps = double(std::min(steps_ - warmup_, measured));
  std::vector<std::vector<std::string>> rows{{"rank", "MB sent", "ms under way", "ms waited", "hidden"}, {}};
  const std::vector<std::string> costs = ranks.all_gather(bytes_of(std::vector<ExchangeCost>{cost_}));
  for (size_t rank = 0; rank < costs.size(); ++rank) {
    const ExchangeCost cost = values_of_bytes<ExchangeCost>(costs[rank]).at(0);
    const double hidden = cost.seconds > 0 ? std::max(0.0, 1 - cost.exposed_seconds / cost.seconds) : 1;
    rows.push_back({std::to_string(rank), fixed_text(double(cost.bytes_sent) * 1e-6 / steps, 1),
                    fixed_text(cost.seconds * 1e3 / steps, 1), fixed_text(cost.exposed_seconds * 1e3 / steps, 1),
                    fixed_text(100 * hidden, 0) + " %"});
  }
  return text_table(rows, std::vector<bool>(5, true));
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
  stop();
  report.steps_watched = std::min(steps_ - warmup_, measured);
  report.operations = profiler_->table(report.steps_watched);
  report.modules = profiler_->module_table(report.steps_watched);
  report.communication = cost_table();
  reporter.profiled(report);
  Communicator& ranks = trainer_.ranks();
  const std::vector<std::string> traces = ranks.gather(profiler_->chrome_trace());
  if (!ranks.is_root()) return "";
  const std::string text = ranks.size() == 1 ? traces[0] : merged(traces);
  AtomicFile file(path_);
  file.write(text.data(), text.size());
  file.commit();
  return path_;
}

}  // namespace ditharos::training
