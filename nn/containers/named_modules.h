#pragma once
#include <string>
#include <utility>
#include <vector>

#include <ditharos/nn/containers/any_module.h>

namespace ditharos::nn {

/// Modules in order, each under a name of its own.
class NamedModules {
 public:
  using Entry = std::pair<std::string, AnyModule>;

  /// `type` is the container, for messages. ConfigError for a name that is empty, contains a dot or is taken.
  void add(const char* type, std::string name, AnyModule module);
  /// Under the number of modules before it.
  void append(const char* type, AnyModule module) { add(type, std::to_string(entries_.size()), std::move(module)); }
  /// Negative indices count from the end; ShapeError for one out of range.
  AnyModule& at(const char* type, int64_t i);
  const AnyModule& at(const char* type, int64_t i) const { return const_cast<NamedModules*>(this)->at(type, i); }
  AnyModule* find(const std::string& name);
  void visit(Visitor& v);

  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<Entry>& entries() { return entries_; }
  int64_t size() const { return int64_t(entries_.size()); }

 private:
  std::vector<Entry> entries_;
};

}  // namespace ditharos::nn
