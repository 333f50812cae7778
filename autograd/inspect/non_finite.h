#pragma once
// Finding where in a forward pass numbers overflow.
#include <string>

#include <ditharos/tensor/observer.h>

namespace ditharos {

/// Listens to the operations of its thread, in place of the observers that are there, for the first one that makes
/// values which are not finite out of finite ones. `where`, which selects a constant such as a mask's -infinity, does not
/// count. Costs a pass over every result: for a computation that is known to have gone wrong.
class NonFiniteSearch : private Observer {
 public:
  /// "linear in blocks.3.mlp.fc1, of shape [8, 16]"; empty when there was none. The module is named once
  /// nn::name_modules gave it a path.
  const std::string& found() const { return found_; }

 private:
  void on_result(const WorkItem& work, const Tensor& result, const std::vector<Tensor>& inputs) override;

  std::string found_;
  const ObserverScope scope_{*this, ObserverScope::hear_nothing};
};

}  // namespace ditharos
