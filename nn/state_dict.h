#pragma once
// Values of a module by name: loading them, and the audit of a graph against what a module lists.
#include <string>
#include <vector>

#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// Walks the graph behind `loss` and throws AutogradError if a leaf collects a gradient that visit() does not list:
/// such a parameter would never be trained or saved. Returns shared_tensors(module), which are trained as one tensor.
std::vector<SharedNames> audit(const Tensor& loss, const ModuleBase& module);

/// How a state dict differs from the tensors of a module, by their names.
struct LoadReport {
  struct OtherShape {
    std::string name;
    Shape given, expected;
  };
  struct Conversion {
    std::string name;
    DType from = DType::f32, to = DType::f32;
  };
  std::vector<std::string> missing;        ///< in the module only, sorted
  std::vector<std::string> unexpected;     ///< in the state dict only, sorted
  std::vector<OtherShape> of_other_shape;  ///< in both, with different shapes
  std::vector<Conversion> converted;       ///< in both, with different dtypes: copying converts
  /// Every tensor has its counterpart of the same shape. Dtypes may differ.
  [[nodiscard]] bool complete() const { return missing.empty() && unexpected.empty() && of_other_shape.empty(); }
};
/// "missing: a, b; unexpected: c; of another shape: d ([2] instead of [3]); converted: e (bf16 to f32)": the lists that
/// are not empty, at most five names of each.
[[nodiscard]] std::string to_text(const LoadReport& report);

/// Checks that two lists have the same names with the same shapes. ShapeError lists the missing names, the unexpected
/// names and the different shapes. ConfigError if one tensor is expected under several names and `given` has different
/// values for them, because only one could be kept.
void check_same_tensors(const std::string& what, const NamedTensors& expected, const NamedTensors& given);

/// What load_state_dict would report. ConfigError if `state` has a name twice.
[[nodiscard]] LoadReport compare_state_dict(const ModuleBase& module, const NamedTensors& state);

struct LoadOptions {
  /// All names must agree. Otherwise tensors that are missing in the state dict keep their values, and unexpected ones
  /// are ignored. A tensor of another shape is an error in both cases, as in PyTorch.
  bool strict = true;
  /// Where the dtypes agree, a parameter or buffer becomes the given tensor itself, without a copy, as with PyTorch's
  /// assign=True: it shares its elements with `state`. Tensors that are not contiguous, and those that share their
  /// storage with another one of `state`, are copied. Handles on the former parameters, such as those of an optimizer,
  /// no longer belong to the module.
  bool assign = false;
};
/// Copies values by name into the module's parameters and buffers, in their dtypes: a state dict in f16, bf16 or f64 is
/// converted. Nothing changes if it throws: ShapeError for what `options` does not allow, ConfigError for a name that
/// comes twice and for different values of one tensor that has several names.
LoadReport load_state_dict(ModuleBase& module, const NamedTensors& state, const LoadOptions& options = {});

}  // namespace ditharos::nn
