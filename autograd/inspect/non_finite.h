#pragma once
// The search for the operation of a forward pass whose result overflows.
#include <string>

#include <ditharos/tensor/observer.h>

namespace ditharos {

/// Searches the operations of its thread for the first one that computes values which are not finite from finite ones.
/// It suspends the other observers of the thread. `where`, which selects a constant such as a mask's -infinity, does
/// not count. It costs a pass over every result, so it is for a computation that is known to overflow.
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
