#include <ditharos/nn/state/functional_call.h>

#include <map>
#include <string>
#include <unordered_map>

namespace ditharos::nn {

void put_tensors(ModuleBase& module, const NamedTensors& tensors) {
  std::map<std::string, Tensor> given;
  for (const auto& [name, tensor] : tensors) {
    check<ConfigError>(given.emplace(name, tensor).second, "[functional_call] \"", name, "\" is given twice");
    check(tensor.defined(), "[functional_call] the tensor \"", name, "\" is undefined");
  }
  size_t known = 0;
  std::unordered_map<const TensorImpl*, const NamedTensor*> replaced;  // by the module's own tensor
  const NamedTensors own = named_tensors(module);
  std::vector<std::pair<const TensorImpl*, NamedTensor>> found;
  for (const auto& [name, tensor] : own) {
    const auto at = given.find(name);
    if (at == given.end()) continue;
    ++known;
    check<ShapeError>(at->second.shape() == tensor.shape(), "[functional_call] \"", name, "\" has shape ",
                      tensor.shape(), ", and the given tensor ", at->second.shape());
    found.push_back({tensor.impl(), {name, at->second}});
  }
  for (const auto& [impl, value] : found) {
    const auto [at, first] = replaced.try_emplace(impl, &value);
    check<ConfigError>(first || at->second->tensor.impl() == value.tensor.impl(), "[functional_call] \"",
                       at->second->name, "\" and \"", value.name,
                       "\" are one tensor of the module: give it once, or the same tensor for both");
  }
  if (known < given.size()) {
    for (const NamedTensor& one : own) given.erase(one.name);
    fail<ConfigError>("[functional_call] the module has no parameter or buffer \"", given.begin()->first, "\"");
  }
  visit_tensors(module, [&](const std::string&, Tensor& tensor) {
    if (const auto at = replaced.find(tensor.impl()); at != replaced.end()) tensor = at->second->tensor;
  });
}

NamedTensors with_parameter_names(const ModuleBase& module, const std::vector<Tensor>& values) {
  NamedTensors named = named_parameters(module);
  check<ShapeError>(named.size() == values.size(), "[functional_call] the module has ", named.size(),
                    " parameters, and ", values.size(), " tensors are given");
  for (size_t i = 0; i < values.size(); ++i) named[i].tensor = values[i];
  return named;
}

}  // namespace ditharos::nn
