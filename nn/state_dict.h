#pragma once
// Values of a module by name: loading them, and the audit of a graph against what a module lists.
#include <string>
#include <vector>

#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// Walks the graph behind `loss` and throws AutogradError if a leaf collects a gradient that visit() does not list:
/// such a parameter would never be trained or saved. Returns shared_tensors(module), which are trained as one tensor.
std::vector<SharedNames> audit(const Tensor& loss, const ModuleBase& module);

/// Checks that two lists have the same names with the same shapes. The message lists all missing names, all unexpected
/// names and all different shapes. ConfigError if one tensor is expected under several names and `given` has different
/// values for them, because only one could be kept.
void check_same_tensors(const std::string& what, const NamedTensors& expected, const NamedTensors& given);
/// Copies values by name into the module's parameters and buffers. Strict; nothing changes if it throws.
void load_state_dict(ModuleBase& module, const NamedTensors& state);

}  // namespace ditharos::nn
