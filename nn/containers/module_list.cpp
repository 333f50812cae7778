#include <ditharos/nn/containers/module_list.h>

namespace ditharos::nn {

AnyModule& ModuleDict::operator[](const std::string& name) {
  AnyModule* found = modules_.find(name);
  if (found) return *found;
  std::string names;
  for (const std::string& key : keys()) names += (names.empty() ? "" : ", ") + key;
  fail<ConfigError>("[ModuleDict] there is no module \"", name, "\"; there are: ", names.empty() ? "none" : names);
}

std::vector<std::string> ModuleDict::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : modules_.entries()) names.push_back(entry.first);
  return names;
}

}  // namespace ditharos::nn
