#pragma once
// A model of the zoo with published weights: loading, running, and exporting under published names.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ditharos/models/zoo/recognition.h>
#include <ditharos/nn/module.h>
#include <ditharos/nn/name_map.h>

namespace ditharos::models {

using TensorsByName = std::map<std::string, Tensor>;

class PublishedNetwork;  // Internal: the module
struct LayoutNames;      // Internal: its published names

/// What does not fit of a state dict, under published names.
struct PublishedFit {
  std::vector<std::string> missing, unexpected;
  std::vector<std::string> of_other_shape;  ///< "NAME [2, 3] instead of [3, 3]"
  [[nodiscard]] bool complete() const { return missing.empty() && unexpected.empty() && of_other_shape.empty(); }
};
/// One sentence: "2 tensors are missing: a, b; 1 is left over: c". At most five names of each kind.
[[nodiscard]] std::string to_text(const PublishedFit& fit);

/// A module of the zoo, behind an interface that all of them have.
class PublishedModel {
 public:
  /// Builds the model that `model` describes. The elements of its parameters are undefined until load().
  explicit PublishedModel(RecognizedModel model);
  ~PublishedModel();
  PublishedModel(PublishedModel&&) noexcept;

  /// Recognises the tensors and builds their model, without loading them. ConfigError if they are far fewer
  /// elements than the model has, which a damaged or hostile file of a few names could make large.
  static PublishedModel of_tensors(const TensorsByName& tensors, const RecognitionHints& hints = {});
  /// The same, and loads them. ConfigError, with the names, unless all fit.
  static PublishedModel from_tensors(const TensorsByName& tensors, const RecognitionHints& hints = {});

  const RecognizedModel& description() const { return description_; }
  nn::ModuleBase& module();
  const nn::ModuleBase& module() const;

  /// What does not fit of these tensors in the model's layout.
  [[nodiscard]] PublishedFit fit(const TensorsByName& tensors) const;
  /// Loads them; ConfigError, and nothing changed, unless all fit. Parameters become the given tensors themselves where
  /// the dtype is f32 and the layout the module's own (nn::LoadOptions::assign), else copies.
  void load(const TensorsByName& tensors);
  /// The module's tensors, under the names of `layout`. ConfigError for a layout that the family does not have.
  [[nodiscard]] TensorsByName tensors(Layout layout) const;

  /// The layouts that the family has.
  [[nodiscard]] std::vector<Layout> layouts() const;

  /// Computes outputs from inputs, in f32:
  ///   transformers  x, t [B] of any dtype, and y (labels), text, mask or pooled where the model has them -> out
  ///   AutoencoderKL x (images) -> mean, logvar, and decoded, the decoded mode
  ///   T5            text [B, L] (tokens), mask [B, L] -> out
  /// x and out have the shapes that the reference of the model's layout has. Given `cotangent`, of the shape of out (of
  /// decoded), also grad.NAME for each parameter: the gradient of sum(out * cotangent), of sum(decoded * cotangent)
  /// through the mode into the encoder. With `gradients` and no cotangent, one of ones. ConfigError for a missing
  /// input.
  [[nodiscard]] TensorsByName run(const TensorsByName& inputs, bool gradients = false);

  /// Names of `inputs` that run() does not read, such as misspelt ones; without those that it writes.
  [[nodiscard]] std::vector<std::string> unused_inputs(const TensorsByName& inputs) const;

 private:
  const LayoutNames& names(Layout layout) const;
  /// The module's tensors that files of the layout have.
  nn::NamedTensors expected(Layout layout) const;
  /// The spelling of the description's layout that the tensors have.
  const nn::NameMap& spelling(const TensorsByName& tensors) const;

  RecognizedModel description_;
  std::unique_ptr<PublishedNetwork> network_;
  std::map<Layout, LayoutNames> names_;
  const nn::NameMap* spelling_ = nullptr;  // of the loaded tensors; null: the first
};

}  // namespace ditharos::models
