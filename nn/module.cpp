#include <ditharos/nn/module.h>

#include <functional>
#include <unordered_map>
#include <unordered_set>

#include <ditharos/autograd/node.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::nn {
namespace {

/// A visitor made of functions.
class Lister : public Visitor {
 public:
  using OnTensor = std::function<void(const std::string&, Tensor&)>;
  using OnModule = std::function<void(const std::string&, ModuleBase&)>;
  explicit Lister(OnTensor parameter, OnTensor buffer = {}, OnModule module = {})
      : parameter_(std::move(parameter)), buffer_(std::move(buffer)), module_(std::move(module)) {}

 protected:
  void on_parameter(const std::string& name, Tensor& t) override {
    if (parameter_) parameter_(name, t);
  }
  void on_buffer(const std::string& name, Tensor& t) override {
    if (buffer_) buffer_(name, t);
  }
  void on_module(const std::string& name, ModuleBase& m) override {
    if (module_) module_(name, m);
  }

 private:
  OnTensor parameter_, buffer_;
  OnModule module_;
};

/// visit() hands out references to change a module by, so it is not const. The callers here only read: this is the one
/// place where a const module is visited.
void list(const ModuleBase& module, Lister& lister) { const_cast<ModuleBase&>(module).visit(lister); }

}  // namespace

std::string Visitor::numbered(const char* name, size_t i) {
  return std::string(name).append(".").append(std::to_string(i));
}

void Visitor::operator()(const char* name, Parameter& parameter) {
  if (!parameter.defined()) return;
  if (frozen_) on_buffer(prefix_ + name, parameter);
  else on_parameter(prefix_ + name, parameter);
}

void Visitor::buffer(const char* name, Buffer& buffer) {
  if (buffer.defined()) on_buffer(prefix_ + name, buffer);
}

void Visitor::frozen(ModuleBase& module) {
  const bool before = std::exchange(frozen_, true);
  module.visit(*this);
  frozen_ = before;
}

void Visitor::operator()(const char* name, ModuleBase& module) {
  const size_t length = prefix_.size();
  if (!frozen_) on_module(prefix_ + name, module);
  prefix_.append(name).append(".");
  module.visit(*this);
  prefix_.resize(length);
}

NamedTensors named_parameters(const ModuleBase& module) {
  NamedTensors found;
  std::unordered_set<const TensorImpl*> seen;
  Lister lister([&](const std::string& name, Tensor& t) {
    if (seen.insert(t.impl()).second) found.push_back({name, t});
  });
  list(module, lister);
  return found;
}

NamedTensors named_tensors(const ModuleBase& module) {
  NamedTensors found;
  const auto add = [&](const std::string& name, Tensor& t) { found.push_back({name, t}); };
  Lister lister(add, add);
  list(module, lister);
  return found;
}

void visit_tensors(ModuleBase& module, const std::function<void(const std::string&, Tensor&)>& visit) {
  Lister lister(visit, visit);
  module.visit(lister);
}

std::vector<SharedNames> shared_tensors(const ModuleBase& module) {
  std::vector<SharedNames> groups;
  std::unordered_map<const TensorImpl*, size_t> group_of;
  for (const auto& [name, tensor] : named_tensors(module)) {
    const auto [at, fresh] = group_of.try_emplace(tensor.impl(), groups.size());
    if (fresh) groups.emplace_back();
    groups[at->second].push_back(name);
  }
  std::erase_if(groups, [](const SharedNames& names) { return names.size() == 1; });
  return groups;
}

std::vector<std::string> module_paths(const ModuleBase& module) {
  std::vector<std::string> paths;
  Lister lister({}, {}, [&](const std::string& path, ModuleBase&) { paths.push_back(path); });
  list(module, lister);
  return paths;
}

int64_t parameter_count(const ModuleBase& module) {
  int64_t count = 0;
  for (const auto& [name, tensor] : named_parameters(module)) count += tensor.numel();
  return count;
}

void set_training(ModuleBase& module, bool on) {
  module.training_ = on;
  Lister lister({}, {}, [&](const std::string&, ModuleBase& child) { child.training_ = on; });
  module.visit(lister);
}

void name_modules(const ModuleBase& model) {
  model.path_ = "";
  Lister lister({}, {}, [](const std::string& name, ModuleBase& child) { child.path_ = intern_path(name); });
  list(model, lister);
}

void ModuleBase::add_module(Error& error) const {
  if (!error.module) error.module = this;
  std::string path = error.module == this ? path_ : "";
  Lister lister({}, {}, [&](const std::string& name, ModuleBase& child) {
    if (&child == error.module && path.empty()) path = *path_ ? std::string(path_).append(".").append(name) : name;
  });
  list(*this, lister);
  error.set_module(path);
}

void set_requires_grad(ModuleBase& module, bool on) {
  for (const auto& [name, tensor] : named_parameters(module)) tensor.set_requires_grad(on);
}

void zero_grad(ModuleBase& module) {
  for (const auto& [name, tensor] : named_parameters(module)) tensor.set_grad({});
}

void check_leaf(const char* op, const NamedTensor& parameter) {
  const auto& [name, tensor] = parameter;
  check(tensor.defined(), "[", op, "] parameter \"", name, "\" is undefined");
  if (is_leaf(tensor)) return;
  fail<AutogradError>("[", op, "] parameter \"", name, "\" of shape ", tensor.shape(), " is no leaf: [",
                      node_of(tensor)->name,
                      "] computed it from others, and only leaves collect a gradient; give "
                      "those others, or a new leaf, nn::Parameter(x.detach())");
}

void unshare(ModuleBase& module) {
  std::unordered_map<const TensorImpl*, Tensor> copies;  // a tensor that the module lists twice stays one tensor
  std::vector<Tensor> originals;                         // alive until the end, so that no address is used twice
  const auto copy = [&](const std::string&, Tensor& t) {
    originals.push_back(t);
    const auto [entry, fresh] = copies.try_emplace(t.impl());
    if (fresh) {
      entry->second = kernels::to(t, t.dtype());
      if (t.requires_grad()) entry->second.set_requires_grad(true);
    }
    t = entry->second;
  };
  const auto own_hooks = [](const std::string&, ModuleBase& m) { m.hooks_ = ModuleBase::copied(m.hooks_); };
  Lister lister(copy, copy, own_hooks);
  own_hooks("", module);
  module.visit(lister);
}

}  // namespace ditharos::nn
