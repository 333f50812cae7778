#pragma once
#include <functional>

#include <ditharos/nn/containers/named_modules.h>

namespace ditharos::nn {

/// Modules of different classes, each of which is called with the result of the one before it:
///
///   nn::Sequential net(nn::Linear(2, 16), nn::ReLU(), nn::Linear(16, 1));
///   const Tensor y = net(x);
///   net.get<nn::Linear>(0).weight;   // "0.weight" in the state dict
///
/// It owns its modules. One that is given as a variable is copied, with parameters of its own; give nn::share(module)
/// for the same ones. Modules of one class also fit into a std::vector, which visit() takes too.
class Sequential : public Module<Sequential> {
 public:
  Sequential() = default;
  template <TensorModule... M>
    requires(sizeof...(M) != 1 || (!std::same_as<std::remove_cvref_t<M>, Sequential> && ...))
  explicit Sequential(M&&... modules) {
    (append(std::forward<M>(modules)), ...);
  }

  /// Adds a module at the end, under its index.
  template <TensorModule M>
  Sequential& append(M&& module) {
    modules_.append(type, AnyModule(std::forward<M>(module)));
    return *this;
  }
  /// Adds a module at the end, under a name of its own, as the elements of an OrderedDict in PyTorch.
  template <TensorModule M>
  Sequential& add_module(std::string name, M&& module) {
    modules_.add(type, std::move(name), AnyModule(std::forward<M>(module)));
    return *this;
  }

  /// x itself if there is no module.
  Tensor forward(const Tensor& x) const {
    Tensor y = x;
    for (const auto& [name, module] : modules_.entries()) y = module(y);
    return y;
  }
  void visit(Visitor& v) override { modules_.visit(v); }

  /// Negative indices count from the end; ShapeError for one out of range.
  AnyModule& operator[](int64_t i) { return modules_.at(type, i); }
  const AnyModule& operator[](int64_t i) const { return modules_.at(type, i); }
  /// The i-th module as an M; Error if it is of another class.
  template <class M>
  M& get(int64_t i) {
    return (*this)[i].get<M>();
  }
  template <class M>
  const M& get(int64_t i) const {
    return (*this)[i].get<M>();
  }
  int64_t size() const { return modules_.size(); }

 private:
  static constexpr const char* type = "Sequential";
  NamedModules modules_;
};

/// A function as an element of Sequential: nn::Functional([](const Tensor& x) { return x * 2.0; }). A tensor that the
/// function captures is not listed by visit(): it would be neither trained nor saved.
class Functional : public Module<Functional> {
 public:
  explicit Functional(std::function<Tensor(const Tensor&)> function) : function_(std::move(function)) {
    check(bool(function_), "[Functional] the function is empty");
  }
  Tensor forward(const Tensor& x) const { return function_(x); }
  void visit(Visitor&) override {}

 private:
  std::function<Tensor(const Tensor&)> function_;
};

}  // namespace ditharos::nn
