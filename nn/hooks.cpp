#include <ditharos/nn/hooks.h>

#include <vector>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/nn/module.h>

namespace ditharos::nn {

struct ModuleHooks {
  struct Entry {
    int64_t id;
    ForwardHook forward;  // one of the two is set
    Hook backward;
  };
  std::vector<Entry> entries;
  int64_t next_id = 1;
};

namespace {

Tensor run_forward_hook(const ForwardHook& hook, const ModuleBase& module, const Tensor& output) {
  const Tensor replaced = hook(module, output);
  if (!replaced.defined()) return output;
  check<ShapeError>(replaced.shape() == output.shape(), "[forward hook] returned shape ", replaced.shape(),
                    " for an output of shape ", output.shape());
  check<DTypeError>(replaced.dtype() == output.dtype(), "[forward hook] returned ", replaced.dtype(),
                    " for an output of ", output.dtype());
  return replaced;
}

/// The output may be the input itself (dropout in evaluation), or be used elsewhere under another name: a view of it
/// gets the gradient of this module's output alone.
Tensor view_of_its_own(const Tensor& x) {
  Axes order;
  for (int axis = 0; axis < x.rank(); ++axis) order.push_back(axis);
  return permute(x, order);
}

HookHandle add_hook(std::shared_ptr<ModuleHooks>& hooks, ForwardHook forward, Hook backward) {
  if (!hooks) hooks = std::make_shared<ModuleHooks>();
  const int64_t id = hooks->next_id++;
  hooks->entries.push_back({id, std::move(forward), std::move(backward)});
  return {hooks, id};
}

}  // namespace

void HookHandle::remove() {
  if (const auto hooks = hooks_.lock()) std::erase_if(hooks->entries, [&](const auto& e) { return e.id == id_; });
}

HookHandle register_forward_hook(ModuleBase& module, ForwardHook hook) {
  return add_hook(module.hooks_, std::move(hook), {});
}

HookHandle register_backward_hook(ModuleBase& module, Hook hook) {
  return add_hook(module.hooks_, {}, std::move(hook));
}

bool has_hooks(const ModuleBase& module) { return module.hooks_ && !module.hooks_->entries.empty(); }

Tensor ModuleBase::call_hooks(Tensor output) const {
  const std::vector<ModuleHooks::Entry> entries = hooks_->entries;  // a hook may take itself off
  for (const auto& entry : entries) {
    if (entry.forward) output = run_forward_hook(entry.forward, *this, output);
  }
  bool own = false;
  for (const auto& entry : entries) {
    if (!entry.backward || !grad_enabled() || !needs_grad(output)) continue;
    if (!own) output = view_of_its_own(output);
    own = true;
    register_hook(output, entry.backward);
  }
  return output;
}

std::shared_ptr<ModuleHooks> ModuleBase::copied(const std::shared_ptr<ModuleHooks>& hooks) {
  return hooks && !sharing() ? std::make_shared<ModuleHooks>(*hooks) : hooks;
}

}  // namespace ditharos::nn
