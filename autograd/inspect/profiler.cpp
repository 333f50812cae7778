#include <ditharos/autograd/inspect/profiler.h>

#include <algorithm>
#include <chrono>

#include <ditharos/autograd/inspect/profile_report.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos {
namespace {

int64_t now() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

bool is_view(const Tensor& result, const std::vector<Tensor>& inputs) {
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const Tensor& x) { return x.defined() && x.storage() == result.storage(); });
}

}  // namespace

Profiler::Profiler() {
  check<AutogradError>(!thread_observers, "[Profiler] this thread is already being profiled");
  scope_.emplace(static_cast<Observer&>(*this));
  start_ = now();
}

void Profiler::stop() {
  if (!scope_ || !scope_->of_this_thread()) return;
  duration_ = now() - start_;
  scope_.reset();
  births_ = {};
}

void Profiler::on_storage(size_t bytes, int64_t birth) {
  births_.push_back({birth, now(), bytes_, flops_});
  bytes_ += bytes;
}

void Profiler::begin(const WorkItem& work) {
  ProfileEvent event{.name = work.name,
                     .kind = work.kind,
                     .module = work.module,
                     .shape = work.shape ? to_text(*work.shape) : std::string()};
  event.depth = int(open_.size());
  event.bytes = bytes_;
  event.flops = flops_;
  event.begin = now() - start_;
  open_.push_back(std::move(event));
}

void Profiler::end() {
  if (open_.empty()) return;  // it began before the profiler did
  ProfileEvent event = std::move(open_.back());
  open_.pop_back();
  event.bytes = bytes_ - event.bytes;
  event.flops = flops_ - event.flops;
  finish(std::move(event));
}

void Profiler::on_result(const WorkItem& work, const Tensor& result, const std::vector<Tensor>& inputs) {
  ProfileEvent event{.name = work.name,
                     .kind = open_.empty() ? work.kind : open_.back().kind,
                     .module = work.module,
                     .shape = to_text(result.shape())};
  event.depth = int(open_.size());
  event.begin = now() - start_;
  const int64_t born = result.storage()->birth();
  const auto birth = std::lower_bound(births_.begin(), births_.end(), born,
                                      [](const Birth& b, int64_t number) { return b.number < number; });
  // A result that is older than the last event was not computed since: it is a view of something.
  if (birth != births_.end() && birth->number == born && !is_view(result, inputs)) {
    event.begin = birth->time - start_;
    event.bytes = bytes_ - birth->bytes;
    event.flops = flops_ - birth->flops;
  }
  finish(std::move(event));
}

void Profiler::finish(ProfileEvent event) {
  event.end = last_end_ = now() - start_;
  births_.clear();
  events_.push_back(std::move(event));
}

std::string Profiler::table(int64_t steps) const { return operation_table(events_, seconds(), steps); }

std::string Profiler::module_table(int64_t steps, int depth) const {
  return ditharos::module_table(events_, seconds(), steps, depth);
}

std::string Profiler::chrome_trace() const { return ditharos::chrome_trace(events_); }

void Profiler::save_trace(const std::string& path) const {
  const std::string text = chrome_trace();
  AtomicFile file(path);
  file.write(text.data(), text.size());
  file.commit();
}

}  // namespace ditharos
