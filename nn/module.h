#pragma once
// Modules: layers and models as classes whose members are plain values. One function, visit(), lists the members.
//
//   struct Block : nn::Module<Block> {
//     nn::Linear fc1, fc2;
//     nn::Parameter scale{ones({1})};
//     Tensor forward(const Tensor& x) const { return x + scale * fc2(gelu(fc1(x))); }
//     void visit(nn::Visitor& v) override { v("fc1", fc1), v("fc2", fc2), v("scale", scale); }
//   };
//
// The author writes nothing else. block(x) calls forward under the module's path, so hooks, profiles, summaries and
// messages name the module. forward may take any arguments.
//
// A module owns its tensors, which are members of the types Parameter and Buffer. A copy of a module has copies of
// them: std::vector<nn::Linear>(3, nn::Linear(4, 4, rng)) has three independent layers. share() gives a module with the
// same tensors. shared_tensors() and audit() report tensors that are listed more than once.
#include <concepts>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ditharos/autograd/module_path.h>
#include <ditharos/nn/hooks.h>
#include <ditharos/nn/parameter.h>
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos::nn {

class ModuleBase;

/// Receives what visit() lists, under dotted names as PyTorch gives them ("blocks.3.attn.qkv.weight").
class Visitor {
 public:
  virtual ~Visitor() = default;
  /// A parameter. Undefined ones (a layer without bias) are ignored.
  void operator()(const char* name, Parameter& parameter);
  /// A tensor that is stored and loaded but not trained.
  void buffer(const char* name, Buffer& buffer);
  /// Lists all parameters and buffers of a module as buffers under their names, and none of its modules: see Frozen.
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

/// The base class of all modules, without forward. Functions over modules take it.
class ModuleBase {
 public:
  virtual ~ModuleBase() = default;
  /// Lists parameters, buffers and sub-modules, each once, in the order of their names in a state dict.
  virtual void visit(Visitor& v) = 0;
  /// True in training, which is the initial mode: dropout is active.
  bool is_training() const { return training_; }
  /// Its path in the model ("blocks.3.attn.qkv") once name_modules() was called; empty before.
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

  /// Calls f() in the name of this module: profiles, graphs and messages name its path, and a result that is a Tensor
  /// goes through the module's hooks. The call operator does this for forward. A module with other entry points (encode
  /// and decode of VideoAutoencoder) does it for each.
  template <class F>
  decltype(auto) call(F&& f) const {
    const ModulePath scope(path_);
    using Result = std::remove_cvref_t<std::invoke_result_t<F>>;
    try {
      if constexpr (std::same_as<Result, Tensor>) return run_hooks(std::forward<F>(f)());
      else return std::forward<F>(f)();
    } catch (Error& error) {
      add_module(error);
      throw;
    }
  }
  /// The output after the hooks; the output itself if there are none. Only a forward whose result is not a Tensor calls
  /// it, with the tensor for the hooks: AdaLN with the product of which its results are views.
  Tensor run_hooks(Tensor output) const {
    if (hooks_) [[unlikely]]
      return call_hooks(std::move(output));
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
  /// Appends the path of the module that threw `error`, as seen from this module, to its message.
  void add_module(Error& error) const;
  /// The same hooks in a new list, for a copy of the module; in a SharingScope the same list.
  static std::shared_ptr<ModuleHooks> copied(const std::shared_ptr<ModuleHooks>& hooks);

  mutable const char* path_ = "";       // does not affect the results, so a const model can be named
  std::shared_ptr<ModuleHooks> hooks_;  // null: none
  bool training_ = true;
};

/// The base class of a module: `struct Block : nn::Module<Block>` with visit and a const member function forward, of
/// any arguments. block(x...) calls block.forward(x...) under the module's path. If the result is a Tensor, it goes
/// through the module's hooks. The class is a template argument, so that the call operator finds forward without a
/// virtual function, which would need the same arguments for all modules.
template <class Self>
class Module : public ModuleBase {
 public:
  // S is Self, which is complete only where the operator is called.
  template <class S = Self, class... X>
    requires requires(const S& self, X&&... x) { self.forward(std::forward<X>(x)...); }
  decltype(auto) operator()(X&&... x) const {
    return call([&]() -> decltype(auto) { return static_cast<const Self&>(*this).forward(std::forward<X>(x)...); });
  }
};

/// Gives every module of a model its path, which profiles, recorded graphs and messages then contain. The Trainer does
/// this.
void name_modules(const ModuleBase& model);

struct NamedTensor {
  std::string name;
  Tensor tensor;
};
using NamedTensors = std::vector<NamedTensor>;

/// Each parameter once, under the first of its names, as in PyTorch.
[[nodiscard]] NamedTensors named_parameters(const ModuleBase& module);
/// Parameters and buffers under all of their names, as in a checkpoint.
[[nodiscard]] NamedTensors named_tensors(const ModuleBase& module);
/// Calls `visit` with each parameter and buffer, under all of its names; it may assign another tensor.
void visit_tensors(ModuleBase& module, const std::function<void(const std::string& name, Tensor& tensor)>& visit);
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
/// A module with the same parameters, buffers and hooks: training one also trains the other.
template <class M>
[[nodiscard]] M share(const M& module) {
  const SharingScope scope;
  return M(module);
}
/// Replaces every parameter and buffer by a copy, which no other module shares. Weights that the module lists under
/// several names stay tied to each other.
void unshare(ModuleBase& module);
/// A deep copy that keeps tied weights tied. The copy M(module) is deep too, but two tied members become two tensors.
template <class M>
[[nodiscard]] M clone(const M& module) {
  M copy = share(module);
  unshare(copy);
  return copy;
}

/// AutogradError with `op` for a parameter that was computed from others: only leaves collect gradients.
void check_leaf(const char* op, const NamedTensor& parameter);
/// Throws Error with the operation `op` and the class `type` of the layer unless `weight` is defined. It is undefined
/// in a layer that the default constructor made.
inline void check_has_weight(const char* op, const char* type, const Tensor& weight) {
  check(weight.defined(), "[", op, "] the ", type,
        " has no weight: it was made by the default constructor; construct it with its sizes");
}

}  // namespace ditharos::nn
