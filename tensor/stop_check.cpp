#include <ditharos/tensor/stop_check.h>

namespace ditharos {

StopCheck::StopCheck(std::function<bool()> stop) : stop_(std::move(stop)), before_(observer) { observer = this; }

StopCheck::~StopCheck() {
  if (observer == this) observer = before_;
}

void StopCheck::begin(const WorkItem& work) {
  if (before_) before_->begin(work);
}

void StopCheck::end() {
  if (before_) before_->end();
}

void StopCheck::on_result(const WorkItem& work, const Tensor& result, const std::vector<Tensor>& inputs) {
  if (before_) before_->on_result(work, result, inputs);
  if (stop_()) throw Stopped("stopped on request");
}

int64_t StopCheck::on_storage(size_t bytes) { return before_ ? before_->on_storage(bytes) : 1; }

void StopCheck::on_flops(double n) {
  if (before_) before_->on_flops(n);
}

}  // namespace ditharos
