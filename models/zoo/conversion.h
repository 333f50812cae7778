#pragma once
// Weights from one published layout, dtype and file format to another.
#include <optional>
#include <string>

#include <ditharos/models/zoo/published_model.h>

namespace ditharos::models {

struct ConversionOptions {
  std::optional<Layout> layout = {};  ///< absent: the same names, and tensors of any model
  std::optional<DType> dtype = {};    ///< f32, bf16 or f16, of tensors of a floating dtype; absent: as they are
  RecognitionHints hints = {};

  /// From the names "official", "diffusers", "ditharos" and "f32", "bf16", "f16"; "" for absent. ConfigError for
  /// others.
  static ConversionOptions parse(const std::string& layout, const std::string& dtype, const RecognitionHints& hints);
};

/// The converted tensors. ConfigError if the tensors are of no model that has the layout or do not fit it, and for
/// another dtype.
[[nodiscard]] TensorsByName convert_tensors(const TensorsByName& tensors, const ConversionOptions& options);

}  // namespace ditharos::models
