#include <ditharos/tensor/io/weights_file.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/quoted_text.h>
#include <ditharos/tensor/io/safetensors_index.h>
#include <ditharos/tensor/io/torch_file.h>

namespace ditharos {

const char* name_of(WeightsFormat format) {
  constexpr const char* names[] = {"safetensors", "safetensors index", "torch.save"};
  return names[static_cast<int>(format)];
}

WeightsFormat weights_format(const std::string& path) {
  const InputFile file(path);
  std::string start(size_t(std::min<uint64_t>(file.size(), 512)), '\0');
  file.read(0, start.data(), start.size());
  // A safetensors file begins with the length of its header, whose bytes may look like the start of any other format.
  uint64_t header = 0;
  if (start.size() > 8) std::memcpy(&header, start.data(), sizeof header);
  const bool has_header = start.size() > 8 && start[8] == '{';
  if (has_header && header <= file.size() - 8) return WeightsFormat::safetensors;
  // A pickle begins with 0x80, and a tar archive has its name at byte 257: torch_file says what is wrong with these.
  if (start.starts_with("PK") || start.starts_with('\x80')) return WeightsFormat::torch;
  if (start.size() >= 262 && start.substr(257, 5) == "ustar") return WeightsFormat::torch;
  const size_t text = start.find_first_not_of(" \t\r\n");
  if (text != std::string::npos && start[text] == '{') return WeightsFormat::safetensors_index;
  check<IoError>(has_header, "cannot read ", path,
                 ": it is no safetensors file, no index of such files and no file of torch.save");
  return WeightsFormat::safetensors;  // cut off
}

Weights load_weights(const std::string& path, const WeightsOptions& options) {
  Weights weights;
  weights.format = weights_format(path);
  if (weights.format == WeightsFormat::torch) {
    torch_file::Contents contents = torch_file::load(path, {options.state_dict, options.mode});
    weights.tensors = std::move(contents.tensors);
    weights.state_dict = std::move(contents.state_dict);
    weights.other_state_dicts = std::move(contents.others);
    return weights;
  }
  check<ConfigError>(options.state_dict.empty(), "[load_weights] ", path, " is a ", name_of(weights.format),
                     " file, which holds one state dict; ", quote(options.state_dict), " cannot be chosen");
  const bool index = weights.format == WeightsFormat::safetensors_index;
  safetensors::Contents contents =
      index ? safetensors::load_index(path, options.mode) : safetensors::load(path, options.mode);
  weights.tensors = std::move(contents.tensors);
  weights.metadata = std::move(contents.metadata);
  return weights;
}

}  // namespace ditharos
