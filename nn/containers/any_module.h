#pragma once
#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// A module that can be called with one tensor and returns one.
template <class M>
concept TensorModule = std::derived_from<std::remove_cvref_t<M>, ModuleBase> &&
                       requires(const std::remove_cvref_t<M>& module, const Tensor& x) {
                         { module(x) } -> std::convertible_to<Tensor>;
                       };

/// The name of a class, as it is written in C++.
[[nodiscard]] std::string class_name(const std::type_info& type);

/// A module of any class, as an element of a container. It owns the module: copying copies it, with parameters of its
/// own, and in share() with the same ones.
class AnyModule {
 public:
  template <class M>
    requires std::derived_from<std::remove_cvref_t<M>, ModuleBase>
  explicit AnyModule(M&& module) : holder_(std::make_unique<Holder<std::remove_cvref_t<M>>>(std::forward<M>(module))) {}
  AnyModule(const AnyModule& other) : holder_(other.holder_ ? other.holder_->copy() : nullptr) {}
  AnyModule& operator=(const AnyModule& other) {
    holder_ = other.holder_ ? other.holder_->copy() : nullptr;
    return *this;
  }
  AnyModule(AnyModule&&) noexcept = default;
  AnyModule& operator=(AnyModule&&) noexcept = default;

  /// The module's result for one tensor. Error if the module has other arguments or another result: get() gives the
  /// module itself, which can be called with them.
  Tensor operator()(const Tensor& x) const { return holder_->call(x); }

  /// The module as an M; Error, with both names, if it is of another class.
  template <class M>
  M& get() {
    if (M* found = dynamic_cast<M*>(&module())) return *found;
    refuse(typeid(M));
  }
  template <class M>
  const M& get() const {
    return const_cast<AnyModule*>(this)->get<M>();
  }
  /// The module without its class, for functions over modules.
  ModuleBase& module() { return holder_->base(); }
  const ModuleBase& module() const { return holder_->base(); }

 private:
  struct HolderBase {
    virtual ~HolderBase() = default;
    virtual std::unique_ptr<HolderBase> copy() const = 0;
    virtual ModuleBase& base() = 0;
    virtual Tensor call(const Tensor& x) const = 0;
  };
  template <class M>
  struct Holder : HolderBase {
    explicit Holder(const M& m) : module(m) {}
    explicit Holder(M&& m) : module(std::move(m)) {}
    std::unique_ptr<HolderBase> copy() const override { return std::make_unique<Holder>(module); }
    ModuleBase& base() override { return module; }
    Tensor call(const Tensor& x) const override {
      if constexpr (TensorModule<M>) return module(x);
      else
        fail("[AnyModule] ", class_name(typeid(M)), " does not make one tensor of one: call get<",
             class_name(typeid(M)), ">() with its own arguments");
    }
    M module;
  };
  [[noreturn]] void refuse(const std::type_info& wanted) const;

  std::unique_ptr<HolderBase> holder_;
};

}  // namespace ditharos::nn
