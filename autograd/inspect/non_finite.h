#pragma once
// Finding where in a forward pass numbers overflow.
#include <string>

#include <ditharos/tensor/observer.h>

namespace ditharos {

/// Listens to the operations of its thread, in place of the observer that is there, for the first one that makes values
/// which are not finite out of finite ones. `where`, which selects a constant such as a mask's -infinity, does not
/// count. Costs a pass over every result: for a computation that is known to have gone wrong.
class NonFiniteSearch : private Observer {
 public:
  NonFiniteSearch() : before_(observer) { observer = this; }
  ~NonFiniteSearch() override { observer = before_; }
  NonFiniteSearch(const NonFiniteSearch&) = delete;
  NonFiniteSearch& operator=(const NonFiniteSearch&) = delete;

  /// "linear in blocks.3.mlp.fc1, of shape [8, 16]"; empty when there was none. The module is named once
  /// nn::name_modules gave it a path.
  const std::string& found() const { return found_; }

 private:
  void begin(const WorkItem&) override {}
  void end() override {}
  void on_result(const WorkItem& work, const Tensor& result, const std::vector<Tensor>& inputs) override;
  int64_t on_storage(size_t) override { return 1; }
  void on_flops(double) override {}

  Observer* before_;
  std::string found_;
};

}  // namespace ditharos
