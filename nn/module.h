#pragma once
// Modules: members are plain values, and one listing, visit(), drives everything else.
//
//   struct Block : nn::Module<Block> {
//     nn::Linear fc1, fc2;
//     nn::Parameter scale{ones({1})};
//     Tensor forward(const Tensor& x) const { return x + scale * fc2(gelu(fc1(x))); }
//     void visit(nn::Visitor& v) override { v("fc1", fc1), v("fc2", fc2), v("scale", scale); }
//   };
//
// That is all an author writes. block(x) calls forward under the module's path, so that hooks, profiles, summaries and
// messages know the module. forward may take any arguments.
//
// A module owns its tensors, which are members of the types Parameter and Buffer. Copying one copies them, so
// std::vector<nn::Linear>(3, nn::Linear(4, 4, rng)) has three layers that learn each for itself. share() gives a module
// with the same tensors; shared_tensors() and audit() tell which are listed more than once.
#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ditharos/autograd/module_path.h>
#include <ditharos/nn/hooks.h>
#include <ditharos/nn/parameter.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::nn {

class ModuleBase;

/// Receives what visit() lists, under dotted names as PyTorch gives them ("blocks.3.attn.qkv.weight").
class Visitor {
 public:
  virtual ~Visitor() = default;
  /// A parameter. Undefined ones (a layer without bias) are passed over.
  void operator()(const char* name, Parameter& parameter);
  /// A tensor that is stored and loaded but not trained.
  void buffer(const char* name, Buffer& buffer);
  /// All parameters and buffers of a module as buffers under the names that it gives them, and none of its modules: see
  /// Frozen.
  void frozen(ModuleBase& module);
  void operator()(const char* name, ModuleBase& module);
  template <class M>
  void operator()(const char* name, std::vector<M>& modules) {
    for (size_t i = 0; i < modules.size(); ++i) (*this)(numbered(name, i).c_str(), modules[i]);
  }
  template <class M>
  void operator()(const char* name, std::optional<M>& module) {
    if (module) (*this)(name, *module);
  }

 protected:
  /// The tensors of a module; assigning puts another tensor in the place of one.
  virtual void on_parameter(const std::string& name, Tensor& parameter) = 0;
  virtual void on_buffer(const std::string&, Tensor&) {}
  virtual void on_module(const std::string&, ModuleBase&) {}

 private:
  static std::string numbered(const char* name, size_t i);  // "blocks.3"

  std::string prefix_;
  bool frozen_ = false;
};

/// What functions over modules take: everything of a module but its forward.
class ModuleBase {
 public:
  virtual ~ModuleBase() = default;
  /// Lists parameters, buffers and sub-modules, each once, in the order of their names in a state dict.
  virtual void visit(Visitor& v) = 0;
  /// True while training (the start): dropout is active.
  bool is_training() const { return training_; }
  /// Its place in the model ("blocks.3.attn.qkv"), once name_modules() was called; empty before.
  const char* path() const { return path_; }

 protected:
  ModuleBase() = default;
  ModuleBase(const ModuleBase& other) : path_(other.path_), hooks_(copied(other.hooks_)), training_(other.training_) {}
  ModuleBase& operator=(const ModuleBase& other) {
    path_ = other.path_, hooks_ = copied(other.hooks_), training_ = other.training_;
    return *this;
  }
  ModuleBase(ModuleBase&&) noexcept = default;
  ModuleBase& operator=(ModuleBase&&) noexcept = default;

  /// f() as this module's work: profiles, graphs and messages name its path, and a result that is a Tensor goes through
  /// the module's hooks. The call operator does this for forward; a module with other entry points (VideoAutoencoder's
  /// encode and decode) does it for each.
  template <class F>
  decltype(auto) call(F&& f) const {
    const ModulePath scope(path_);
    using Result = std::remove_cvref_t<std::invoke_result_t<F>>;
    if constexpr (std::same_as<Result, Tensor>) return run_hooks(std::forward<F>(f)());
    else return std::forward<F>(f)();
  }
  /// What the hooks make of an output; the output itself where there are none. Only a forward whose result is not a
  /// Tensor calls it, with the tensor that the hooks are to see: AdaLN with the product that its results are views of.
  Tensor run_hooks(Tensor output) const {
    if (hooks_) [[unlikely]] return call_hooks(std::move(output));
    return output;
  }

 private:
  friend void set_training(ModuleBase& module, bool on);
  friend void name_modules(const ModuleBase& model);
  friend void unshare(ModuleBase& module);
  friend HookHandle register_forward_hook(ModuleBase& module, ForwardHook hook);
  friend HookHandle register_backward_hook(ModuleBase& module, Hook hook);
  friend bool has_hooks(const ModuleBase& module);
  Tensor call_hooks(Tensor output) const;
  /// The same hooks in a list of their own, as a copy of the module has them; in a SharingScope the same list.
  static std::shared_ptr<ModuleHooks> copied(const std::shared_ptr<ModuleHooks>& hooks);

  mutable const char* path_ = "";  // says where it stands, not what it computes: a const model can be named
  std::shared_ptr<ModuleHooks> hooks_;  // null: none
  bool training_ = true;
};

/// The base class of a module: `struct Block : nn::Module<Block>` with a const member function forward, of any
/// arguments, and visit. block(x...) calls block.forward(x...) under the module's path and hands a Tensor that it
/// returns to the module's hooks. The class is named a second time so that the call finds its forward without a virtual
/// function, whose arguments would have to be the same for all modules.
template <class Self>
class Module : public ModuleBase {
 public:
  template <class... X>
    requires requires(const Self& self, X&&... x) { self.forward(std::forward<X>(x)...); }
  decltype(auto) operator()(X&&... x) const {
    return call([&]() -> decltype(auto) { return static_cast<const Self&>(*this).forward(std::forward<X>(x)...); });
  }
};

/// Tells every module of a model its path, which profiles, recorded graphs and messages then name. The Trainer does.
void name_modules(const ModuleBase& model);

struct NamedTensor {
  std::string name;
  Tensor tensor;
};
using NamedTensors = std::vector<NamedTensor>;

/// Each parameter once, under the first of its names, as in PyTorch: what there is to train.
[[nodiscard]] NamedTensors named_parameters(const ModuleBase& module);
/// Parameters and buffers under all of their names: what a checkpoint holds.
[[nodiscard]] NamedTensors named_tensors(const ModuleBase& module);
/// Elements of all parameters, shared ones once.
[[nodiscard]] int64_t parameter_count(const ModuleBase& module);

/// The paths of all modules below this one, as name_modules gives them, in the order of visit().
[[nodiscard]] std::vector<std::string> module_paths(const ModuleBase& module);

/// The names of one tensor that a module lists more than once.
using SharedNames = std::vector<std::string>;
/// Every parameter and buffer with several names: weights that were tied, and those of modules that share().
[[nodiscard]] std::vector<SharedNames> shared_tensors(const ModuleBase& module);

/// Switches this module and all below it between training and evaluation.
void set_training(ModuleBase& module, bool on);
/// Switches whether the parameters collect gradients.
void set_requires_grad(ModuleBase& module, bool on);
/// Drops all gradients.
void zero_grad(ModuleBase& module);
/// A module with the same parameters, buffers and hooks: what trains one trains the other.
template <class M>
[[nodiscard]] M share(const M& module) {
  const SharingScope scope;
  return M(module);
}
/// Replaces every parameter and buffer by a copy of its own, cutting all sharing with other modules. Weights that the
/// module lists under several names stay tied to each other.
void unshare(ModuleBase& module);
/// A deep copy, as M(module) is, but tied weights stay tied: a plain copy of two tied members has two tensors.
template <class M>
[[nodiscard]] M clone(const M& module) {
  M copy = share(module);
  unshare(copy);
  return copy;
}

/// Walks the graph behind `loss` and throws AutogradError if a leaf collects a gradient that visit() does not list:
/// such a parameter would never be trained or saved. Returns shared_tensors(module), which are trained as one tensor.
std::vector<SharedNames> audit(const Tensor& loss, const ModuleBase& module);

/// AutogradError, in the name of `op`, for a parameter that was computed from others: only leaves collect gradients.
void check_leaf(const char* op, const NamedTensor& parameter);
/// Throws Error, in the name of the operation `op`, for a layer of the class `type` that has no weight.
[[noreturn]] void fail_without_weight(const char* op, const char* type, const ModuleBase& module);
/// The same unless `weight` is defined: that of a layer which the default constructor made is not.
inline void check_has_weight(const char* op, const char* type, const ModuleBase& module, const Tensor& weight) {
  if (!weight.defined()) [[unlikely]] fail_without_weight(op, type, module);
}

/// Checks that two lists name the same tensors with the same shapes; the message lists all missing and unexpected
/// names and all shapes that differ. ConfigError when one tensor is expected under several names and `given` has
/// different values for them: only one could be kept.
void check_same_tensors(const std::string& what, const NamedTensors& expected, const NamedTensors& given);
/// Copies values by name into the module's parameters and buffers. Strict; nothing changes if it throws.
void load_state_dict(ModuleBase& module, const NamedTensors& state);

}  // namespace ditharos::nn
