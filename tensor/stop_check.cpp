#include <ditharos/tensor/stop_check.h>

namespace ditharos {

StopCheck::StopCheck(std::function<bool()> stop) : stop_(std::move(stop)), scope_(*this) {}

void StopCheck::on_result(const WorkItem&, const Tensor&, const std::vector<Tensor>&) {
  if (stop_()) throw Stopped("stopped on request");
}

}  // namespace ditharos
