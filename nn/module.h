#pragma once
// Modules: members are plain values, and one listing, visit(), drives everything else.
//
//   struct Block : nn::Module {
//     nn::Linear fc1, fc2;
//     Tensor operator()(const Tensor& x) const { return x + fc2(gelu(fc1(x))); }
//     void visit(nn::Visitor& v) override { v("fc1", fc1); v("fc2", fc2); }
//   };
//
// Copying a module copies handles: both share their parameters, so std::vector<nn::Linear>(3, nn::Linear(4, 4, rng)) is
// one layer three times. clone() gives independent ones; shared_tensors() and audit() tell which are shared.
#include <optional>
#include <string>
#include <vector>

#include <ditharos/autograd/module_path.h>
#include <ditharos/nn/hooks.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::nn {

class Module;

/// Receives what visit() lists, under dotted names as PyTorch gives them ("blocks.3.attn.qkv.weight").
class Visitor {
 public:
  virtual ~Visitor() = default;
  /// A parameter. Undefined ones (a layer without bias) are passed over.
  void operator()(const char* name, Tensor& parameter);
  /// A tensor that is stored and loaded but not trained.
  void buffer(const char* name, Tensor& tensor);
  void operator()(const char* name, Module& module);
  template <class M>
  void operator()(const char* name, std::vector<M>& modules) {
    for (size_t i = 0; i < modules.size(); ++i) (*this)(numbered(name, i).c_str(), modules[i]);
  }
  template <class M>
  void operator()(const char* name, std::optional<M>& module) {
    if (module) (*this)(name, *module);
  }

 protected:
  virtual void on_parameter(const std::string& name, Tensor& parameter) = 0;
  virtual void on_buffer(const std::string&, Tensor&) {}
  virtual void on_module(const std::string&, Module&) {}

 private:
  static std::string numbered(const char* name, size_t i);  // "blocks.3"

  std::string prefix_;
};

class Module {
 public:
  virtual ~Module() = default;
  /// Lists parameters, buffers and sub-modules, each once, in the order of their names in a state dict.
  virtual void visit(Visitor& v) = 0;
  /// True while training (the start): dropout is active.
  bool is_training() const { return training_; }
  /// Its place in the model ("blocks.3.attn.qkv"), once name_modules() was called; empty before.
  const char* path() const { return path_; }

 private:
  friend void set_training(Module& module, bool on);
  friend void name_modules(Module& model);
  friend void unshare(Module& module);
  friend class ModuleScope;
  friend HookHandle register_forward_hook(Module& module, ForwardHook hook);
  friend HookHandle register_backward_hook(Module& module, Hook hook);
  friend bool has_hooks(const Module& module);
  const char* path_ = "";
  std::shared_ptr<ModuleHooks> hooks_;  // null: none
  bool training_ = true;
};

/// Tells every module of a model its path, which profiles, recorded graphs and messages then name. The Trainer does.
void name_modules(Module& model);

/// Marks what follows in a module's operator() as that module's work, and hands its result to the module's hooks:
///
///   Tensor operator()(const Tensor& x) const {
///     const ModuleScope scope(*this);
///     return scope.result(...);
///   }
///
/// Optional: without it, operations count as the enclosing module's, and hooks do not fire. All layers of the library
/// have it.
class ModuleScope {
 public:
  explicit ModuleScope(const Module& module) : module_(module), path_(module.path()) {}
  /// What the hooks make of the output; the output itself where there are none.
  Tensor result(Tensor output) const { return module_.hooks_ ? run_hooks(std::move(output)) : output; }

 private:
  Tensor run_hooks(Tensor output) const;

  const Module& module_;
  ModulePath path_;
};

struct NamedTensor {
  std::string name;
  Tensor tensor;
};
using NamedTensors = std::vector<NamedTensor>;

/// Each parameter once, under the first of its names, as in PyTorch: what there is to train.
[[nodiscard]] NamedTensors named_parameters(Module& module);
/// Parameters and buffers under all of their names: what a checkpoint holds.
[[nodiscard]] NamedTensors named_tensors(Module& module);
/// Elements of all parameters, shared ones once.
[[nodiscard]] int64_t parameter_count(Module& module);

/// The names of one tensor that a module lists more than once.
using SharedNames = std::vector<std::string>;
/// Every parameter and buffer with several names: weights that were tied on purpose, and those of copied modules.
[[nodiscard]] std::vector<SharedNames> shared_tensors(Module& module);

/// Switches this module and all below it between training and evaluation.
void set_training(Module& module, bool on);
/// Switches whether the parameters collect gradients.
void set_requires_grad(Module& module, bool on);
/// Drops all gradients.
void zero_grad(Module& module);
/// Replaces every parameter and buffer by a copy of its own, cutting all sharing with other modules.
void unshare(Module& module);
/// A deep copy.
template <class M>
[[nodiscard]] M clone(const M& module) {
  M copy = module;
  unshare(copy);
  return copy;
}

/// Walks the graph behind `loss` and throws AutogradError if a leaf collects a gradient that visit() does not list:
/// such a parameter would never be trained or saved. Returns shared_tensors(module), which are trained as one tensor:
/// meant for tied weights, a mistake where a module was copied that should have been cloned.
std::vector<SharedNames> audit(const Tensor& loss, Module& module);

/// AutogradError, in the name of `op`, for a parameter that was computed from others: only leaves collect gradients.
void check_leaf(const char* op, const NamedTensor& parameter);
/// Throws Error, in the name of the operation `op`, for a layer of the class `type` that has no weight.
[[noreturn]] void fail_without_weight(const char* op, const char* type, const Module& module);
/// The same unless `weight` is defined: that of a layer which the default constructor made is not.
inline void check_has_weight(const char* op, const char* type, const Module& module, const Tensor& weight) {
  if (!weight.defined()) [[unlikely]] fail_without_weight(op, type, module);
}

/// Checks that two lists name the same tensors with the same shapes; the message lists all missing and unexpected
/// names and all shapes that differ. ConfigError when one tensor is expected under several names and `given` has
/// different values for them: only one could be kept.
void check_same_tensors(const std::string& what, const NamedTensors& expected, const NamedTensors& given);
/// Copies values by name into the module's parameters and buffers. Strict; nothing changes if it throws.
void load_state_dict(Module& module, const NamedTensors& state);

}  // namespace ditharos::nn
