#pragma once
#include <ditharos/nn/containers/named_modules.h>

namespace ditharos::nn {

/// Modules of different classes under their indices, "0.weight". It computes nothing itself. For modules of one class a
/// std::vector is shorter to use. It owns its modules as Sequential does.
class ModuleList : public Module<ModuleList> {
 public:
  ModuleList() = default;
  template <class... M>
    requires(std::derived_from<std::remove_cvref_t<M>, ModuleBase> && ...) &&
            (sizeof...(M) != 1 || (!std::same_as<std::remove_cvref_t<M>, ModuleList> && ...))
  explicit ModuleList(M&&... modules) {
    (append(std::forward<M>(modules)), ...);
  }

  template <class M>
    requires std::derived_from<std::remove_cvref_t<M>, ModuleBase>
  ModuleList& append(M&& module) {
    modules_.append(type, AnyModule(std::forward<M>(module)));
    return *this;
  }
  void visit(Visitor& v) override { modules_.visit(v); }

  /// Negative indices count from the end; ShapeError for one out of range.
  AnyModule& operator[](int64_t i) { return modules_.at(type, i); }
  const AnyModule& operator[](int64_t i) const { return modules_.at(type, i); }
  /// The i-th module as an M, which can be called with its own arguments; Error if it is of another class.
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
  static constexpr const char* type = "ModuleList";
  NamedModules modules_;
};

/// Modules of different classes under names, in the order in which they were added: "left.weight". It computes nothing
/// itself.
class ModuleDict : public Module<ModuleDict> {
 public:
  /// Adds a module. ConfigError for a name that is empty, contains a dot or is taken.
  template <class M>
    requires std::derived_from<std::remove_cvref_t<M>, ModuleBase>
  ModuleDict& add_module(std::string name, M&& module) {
    modules_.add(type, std::move(name), AnyModule(std::forward<M>(module)));
    return *this;
  }
  void visit(Visitor& v) override { modules_.visit(v); }

  bool contains(const std::string& name) const { return const_cast<NamedModules&>(modules_).find(name) != nullptr; }
  /// ConfigError, with the names there are, for a name that is not among them.
  AnyModule& operator[](const std::string& name);
  const AnyModule& operator[](const std::string& name) const { return const_cast<ModuleDict&>(*this)[name]; }
  template <class M>
  M& get(const std::string& name) {
    return (*this)[name].get<M>();
  }
  template <class M>
  const M& get(const std::string& name) const {
    return (*this)[name].get<M>();
  }
  std::vector<std::string> keys() const;
  int64_t size() const { return modules_.size(); }

 private:
  static constexpr const char* type = "ModuleDict";
  NamedModules modules_;
};

}  // namespace ditharos::nn
