#pragma once
// Looking at, or changing, what a module computes and the gradient that comes back to it, without touching its code.
#include <functional>
#include <memory>

#include <ditharos/autograd/node.h>

namespace ditharos::nn {

class ModuleBase;

/// Called with a module and its output; a defined result of the same shape and dtype takes the output's place.
using ForwardHook = std::function<Tensor(const ModuleBase& module, const Tensor& output)>;
/// The hooks of one module, in the order in which they were registered.
struct ModuleHooks;

/// Takes a hook off again. Letting go of the handle leaves the hook where it is.
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

/// Hooks fire at every call of the module from now on. A copy of a module takes its present hooks along in a list of
/// its own; share() has the same list. A module with several outputs (AdaLN) hands its hooks the tensor that they are
/// views of.
HookHandle register_forward_hook(ModuleBase& module, ForwardHook hook);
/// `hook` sees the gradient of the module's output once a backward pass has completed it, if it needs one; a defined
/// result replaces it.
HookHandle register_backward_hook(ModuleBase& module, Hook hook);
/// Whether any hook is on the module itself.
[[nodiscard]] bool has_hooks(const ModuleBase& module);

}  // namespace ditharos::nn
