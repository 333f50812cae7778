#pragma once
// Modules against what PyTorch's compute (tests/golden/modules.safetensors, sequences.safetensors and
// windows.safetensors).
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ditharos/nn/module.h>

namespace ditharos::tests {

using Tensors = std::vector<Tensor>;

/// A module of any class with what calls it: the checks below are compiled once, not once a class.
class TestedModule {
 public:
  virtual ~TestedModule() = default;
  [[nodiscard]] virtual std::unique_ptr<TestedModule> copy() const = 0;
  [[nodiscard]] virtual std::unique_ptr<TestedModule> share() const = 0;
  virtual nn::ModuleBase& module() = 0;
  [[nodiscard]] virtual Tensors operator()(const Tensors& inputs) const = 0;
};

template <class M, class Call>
class TestedModuleOf : public TestedModule {
 public:
  TestedModuleOf(M module, Call call) : module_(std::move(module)), call_(std::move(call)) {}
  std::unique_ptr<TestedModule> copy() const override { return std::make_unique<TestedModuleOf>(module_, call_); }
  std::unique_ptr<TestedModule> share() const override {
    return std::make_unique<TestedModuleOf>(nn::share(module_), call_);
  }
  nn::ModuleBase& module() override { return module_; }
  Tensors operator()(const Tensors& inputs) const override { return call_(module_, inputs); }

 private:
  M module_;
  Call call_;
};

/// The module against PyTorch in f32 and f64, its results, its gradients and its copies. Its state dict has the names
/// and shapes of the case.
void check_tested_module(const std::string& file, const std::string& name, TestedModule& tested);

/// Derivatives of first and second order with respect to the floating inputs and all parameters, by differences. The
/// module has to be smooth.
void check_tested_gradients(const std::string& file, const std::string& name, TestedModule& tested);

/// check_tested_module of a module of which call(module, inputs) gives all results.
template <class M, class Call>
void check_module(const std::string& file, const std::string& name, M module, const Call& call) {
  TestedModuleOf<M, Call> tested(std::move(module), call);
  check_tested_module(file, name, tested);
}

/// The same for a module of one tensor.
template <class M>
void check_module(const std::string& file, const std::string& name, M module) {
  check_module(file, name, std::move(module), [](const M& m, const Tensors& in) { return Tensors{m(in[0])}; });
}

template <class M, class Call>
void check_gradients(const std::string& file, const std::string& name, M module, const Call& call) {
  TestedModuleOf<M, Call> tested(std::move(module), call);
  check_tested_gradients(file, name, tested);
}

}  // namespace ditharos::tests
