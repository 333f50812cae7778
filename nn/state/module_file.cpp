#include <ditharos/nn/state/module_file.h>

#include <ditharos/tensor/io/safetensors.h>
#include <ditharos/tensor/io/weights_file.h>

namespace ditharos::nn {

NamedTensors state_dict(const ModuleBase& module) {
  NamedTensors state = named_tensors(module);
  for (NamedTensor& one : state) one.tensor = one.tensor.detach();
  return state;
}

void save_module(const ModuleBase& module, const std::string& path,
                 const std::map<std::string, std::string>& metadata) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, tensor] : named_tensors(module))
    check<ConfigError>(tensors.emplace(name, tensor).second, "[save_module] the module lists \"", name, "\" twice");
  safetensors::save(path, tensors, metadata);
}

LoadReport load_module(ModuleBase& module, const std::string& path, const LoadOptions& options) {
  const Weights weights = load_weights(path);
  NamedTensors state;
  for (const auto& [name, tensor] : weights.tensors) state.push_back({name, tensor});
  try {
    return load_state_dict(module, state, options);
  } catch (const ShapeError& error) {
    fail<ShapeError>(path, ": ", error.what());
  } catch (const ConfigError& error) {
    fail<ConfigError>(path, ": ", error.what());
  }
}

}  // namespace ditharos::nn
