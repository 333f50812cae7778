#pragma once
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// A trained module as a fixed part of another model. Its parameters are listed as buffers under their own names. They
/// are stored and loaded with the model, but no optimiser updates them, and they collect no gradients.
template <class M>
class Frozen : public Module<Frozen<M>> {
 public:
  /// Takes a copy of its own, in evaluation mode.
  explicit Frozen(const M& module) : module_(clone(module)) {
    set_requires_grad(module_, false);
    set_training(module_, false);
  }

  const M& operator*() const { return module_; }
  const M* operator->() const { return &module_; }
  void visit(Visitor& v) override { v.frozen(module_); }

 private:
  M module_;
};

}  // namespace ditharos::nn
