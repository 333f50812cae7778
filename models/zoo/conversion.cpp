#include <ditharos/models/zoo/conversion.h>

#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

/// The dtype of the floating tensors, which must be one.
DType floating_dtype(const TensorsByName& tensors) {
  std::optional<DType> dtype;
  for (const auto& [name, tensor] : tensors) {
    if (!is_floating(tensor.dtype())) continue;
    check<ConfigError>(!dtype || *dtype == tensor.dtype(), "the tensors are ", *dtype, " and ", tensor.dtype(), " (",
                       name, "): give the dtype of the converted ones");
    dtype = tensor.dtype();
  }
  return dtype.value_or(DType::f32);
}

TensorsByName renamed(const TensorsByName& tensors, const ConversionOptions& options) {
  RecognitionHints hints = options.hints;
  RecognizedModel model = recognize_model(tensors, hints);
  auto* config = std::get_if<DiTConfig>(&model.config);
  if (config != nullptr && *options.layout != Layout::diffusers) {
    config->per_block_embedders = false;  // diffusers repeats one embedder, which other layouts have once
    config->stored_positions = true;      // and computes the tables
  }
  PublishedModel network(std::move(model));
  network.load(tensors);
  return network.tensors(*options.layout);
}

}  // namespace

ConversionOptions ConversionOptions::parse(const std::string& layout, const std::string& dtype,
                                           const RecognitionHints& hints) {
  ConversionOptions options{.hints = hints};
  for (const Layout known : {Layout::official, Layout::diffusers, Layout::ditharos}) {
    if (layout == to_text(known)) options.layout = known;
  }
  for (const DType known : {DType::f32, DType::bf16, DType::f16}) {
    if (dtype == to_text(known)) options.dtype = known;
  }
  check<ConfigError>(layout.empty() || options.layout, "the layout of names is official, diffusers or ditharos, not ",
                     layout);
  check<ConfigError>(dtype.empty() || options.dtype, "weights are converted to f32, bf16 or f16, not to ", dtype);
  return options;
}

TensorsByName convert_tensors(const TensorsByName& tensors, const ConversionOptions& options) {
  const bool known =
      !options.dtype || *options.dtype == DType::f32 || *options.dtype == DType::bf16 || *options.dtype == DType::f16;
  check<ConfigError>(known, "weights are converted to f32, bf16 or f16, not to ", options.dtype.value_or(DType::f32));
  TensorsByName converted = options.layout ? renamed(tensors, options) : tensors;
  // The module computes in f32; without another wish the tensors return to the dtype that they had.
  if (!options.dtype && !options.layout) return converted;
  const DType dtype = options.dtype ? *options.dtype : floating_dtype(tensors);
  for (auto& [name, tensor] : converted) {
    if (is_floating(tensor.dtype())) tensor = to(tensor, dtype);
  }
  return converted;
}

}  // namespace ditharos::models
