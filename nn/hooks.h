#pragma once
// Hooks read or replace the output of a module, or the gradient of its output, without changes to its code.
#include <functional>
#include <memory>

#include <ditharos/autograd/node.h>

namespace ditharos::nn {

class ModuleBase;

/// Called with a module and its output. A defined result of the same shape and dtype replaces the output.
using ForwardHook = std::function<Tensor(const ModuleBase& module, const Tensor& output)>;
/// The hooks of one module, in the order in which they were registered.
struct ModuleHooks;

/// Removes a hook. Destroying the handle does not remove the hook.
class HookHandle {
 public:
  HookHandle() = default;
  HookHandle(std::weak_ptr<ModuleHooks> hooks, int64_t id) : hooks_(std::move(hooks)), id_(id) {}
  /// Does nothing when the hook or its module is gone.
  void remove();

 private:
  std::weak_ptr<ModuleHooks> hooks_;
  int64_t id_ = 0;
};

/// The hook runs at every call of the module from now on. A copy of a module has the hooks of that time in a list of
/// its own; the result of share() has the same list. A module with several outputs (AdaLN) passes its hooks the tensor
/// of which the outputs are views.
HookHandle register_forward_hook(ModuleBase& module, ForwardHook hook);
/// `hook` is called with the gradient of the module's output when a backward pass has completed it, if the output needs
/// a gradient. A defined result replaces the gradient.
HookHandle register_backward_hook(ModuleBase& module, Hook hook);
/// True if the module itself has a hook.
[[nodiscard]] bool has_hooks(const ModuleBase& module);

}  // namespace ditharos::nn
