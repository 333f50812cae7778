#include <ditharos/nn/containers/named_modules.h>

namespace ditharos::nn {

void NamedModules::add(const char* type, std::string name, AnyModule module) {
  check<ConfigError>(!name.empty() && name.find('.') == std::string::npos, "[", type, "] \"", name,
                     "\" is no name of a module: it must not be empty and must not contain a dot");
  check<ConfigError>(find(name) == nullptr, "[", type, "] there is a module \"", name, "\" already");
  entries_.emplace_back(std::move(name), std::move(module));
}

AnyModule& NamedModules::at(const char* type, int64_t i) {
  const int64_t at = i < 0 ? i + size() : i;
  check<ShapeError>(at >= 0 && at < size(), "[", type, "] index ", i, " is out of range for ", size(), " modules");
  return entries_[size_t(at)].second;
}

AnyModule* NamedModules::find(const std::string& name) {
  for (Entry& entry : entries_)
    if (entry.first == name) return &entry.second;
  return nullptr;
}

void NamedModules::visit(Visitor& v) {
  for (auto& [name, module] : entries_) v(name.c_str(), module.module());
}

}  // namespace ditharos::nn
