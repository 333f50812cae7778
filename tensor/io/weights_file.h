#pragma once
// Published weights in any of the formats that this library reads. The format is seen from the contents of a file, not
// from its name.
#include <map>
#include <string>
#include <vector>

#include <ditharos/tensor/io/safetensors.h>

namespace ditharos {

enum class WeightsFormat {
  safetensors,        ///< tensor/io/safetensors.h
  safetensors_index,  ///< model.safetensors.index.json, tensor/io/safetensors_index.h
  torch,              ///< torch.save, tensor/io/torch_file.h
};
/// "safetensors", "safetensors index" or "torch.save".
[[nodiscard]] const char* name_of(WeightsFormat format);

struct WeightsOptions {
  /// Which state dict of a PyTorch checkpoint is read (torch_file::Options). Other formats hold one: ConfigError for a
  /// name.
  std::string state_dict = {};
  LoadMode mode = LoadMode::map;
};

struct Weights {
  WeightsFormat format = WeightsFormat::safetensors;
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;  ///< of safetensors
  std::string state_dict;                       ///< of a PyTorch checkpoint: the entry that was read, or empty
  std::vector<std::string> other_state_dicts;   ///< of a PyTorch checkpoint
};

/// The format of a file; IoError, with the path, if it is none of these.
[[nodiscard]] WeightsFormat weights_format(const std::string& path);

/// Reads named tensors from a file of any format, with the errors of its reader.
[[nodiscard]] Weights load_weights(const std::string& path, const WeightsOptions& options = {});

}  // namespace ditharos
