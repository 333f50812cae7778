#pragma once
// Modules in files.
#include <map>
#include <string>

#include <ditharos/nn/state_dict.h>

namespace ditharos::nn {

/// Parameters and buffers under all of their names, as module.state_dict() in PyTorch: handles on the same elements,
/// without gradients. clone() them for a copy that training does not change.
[[nodiscard]] NamedTensors state_dict(const ModuleBase& module);

/// Writes the state dict to a safetensors file, which PyTorch reads by safetensors.torch.load_file. The file is
/// complete or unchanged; errors as safetensors::save().
void save_module(const ModuleBase& module, const std::string& path,
                 const std::map<std::string, std::string>& metadata = {});

/// Loads the parameters and buffers from a file that save_module(), PyTorch (torch.save of a state dict) or another
/// framework (safetensors) wrote, as load_state_dict(), and returns its report. IoError as load_weights(); ShapeError
/// and ConfigError, with the path, for what does not fit, and then nothing has changed.
LoadReport load_module(ModuleBase& module, const std::string& path, const LoadOptions& options = {});

}  // namespace ditharos::nn
