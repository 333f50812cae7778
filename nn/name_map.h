#pragma once
// Name maps: the tensors of a state dict that another program published, under the names and in the layout of a module
// here, and back.
//
//   const nn::NameMap names{
//       {.own = "blocks.{i}.attn.qkv.{*}", .published = {"layers.{i}.to_q.{*}", "layers.{i}.to_k.{*}",
//                                                        "layers.{i}.to_v.{*}"}},
//       {.own = "patch.weight", .published = {"conv.weight"}, .published_shape = Shape{-1, 4, 2, 2}},
//       {.own = "patch.bias", .published = {"conv.bias"}}};
//   nn::load_state_dict(model, names.to_own(file.tensors, nn::named_tensors(model)));
//   safetensors::save("export.safetensors", names.to_published(nn::named_tensors(model)));
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// One tensor of a module, and the published tensors that hold its elements. Names may contain {i}, {j} and so on, each
/// a whole number without leading zeros, and end in {*}, any text of at least one character ("weight", "bias"). All
/// names of a rule have the same placeholders.
struct NameRule {
  std::string own;
  /// Several are concatenated along axis 0, in this order.
  std::vector<std::string> published;
  /// The size along axis 0 of each of several published tensors, in the layout of the module. Empty: all are equal.
  std::vector<int64_t> sizes = {};
  /// The shape of each published tensor, where it is not the module's: {-1, 4, 2, 2} for the convolution that a linear
  /// layer [D, 16] is here. One size may be -1. The order of the elements is the same, and one of the two shapes splits
  /// axes of the other.
  std::optional<Shape> published_shape = {};
  /// The two halves along axis 0 of each published tensor are in the other order here: [shift, scale], not
  /// [scale, shift].
  bool swap_halves = false;
  /// The published tensors are copies of the module's, not parts. They must have equal values when they are read.
  bool copies = false;
};

/// A list of rules between published names and a module's own. Where several rules match a name, the first one counts.
/// A name that no rule matches stays as it is, so a map lists only what differs.
class NameMap {
 public:
  NameMap() = default;
  NameMap(std::initializer_list<NameRule> rules);

  /// Appends a rule. ConfigError for a malformed name, and if the names have different placeholders.
  void add(NameRule rule);
  /// Appends the rules of another map, with prefixes before their names: ("dit.", "model.diffusion_model.").
  void add(const NameMap& other, const std::string& own_prefix, const std::string& published_prefix);
  /// Published tensors of this name have no counterpart in the module. to_own drops them, to_published does not write
  /// them.
  void ignore(std::string published);

  /// The published tensors in the module's names and layout. `expected` is named_tensors(module) or a list of the same
  /// names and shapes; its values are not read. A tensor that consists of one published tensor shares its elements. A
  /// published tensor whose own name is not expected keeps its published name, and an expected tensor none of whose
  /// published tensors is there is left out: load_state_dict then reports them as unexpected and missing. Other
  /// differences of shape are left to load_state_dict, too.
  /// ConfigError names the tensors if a part of a concatenation is missing, if two published tensors become one, and if
  /// copies differ. ShapeError for parts that do not fit each other or a shape that cannot be laid out as the module's.
  /// DTypeError for parts of different dtypes.
  [[nodiscard]] NamedTensors to_own(const std::map<std::string, Tensor>& published, const NamedTensors& expected) const;

  /// The module's tensors, or tensors of their names and shapes such as gradients, under the published names. They are
  /// views where the layout allows it, and not recorded. A tensor that is published in copies is written under each
  /// name; a gradient then is that of the module's one tensor, not of one copy.
  /// ShapeError names the tensor if it cannot be split or reshaped so. ConfigError if two tensors get one name.
  [[nodiscard]] std::map<std::string, Tensor> to_published(const NamedTensors& own) const;

  /// The names under which the module's tensor is published.
  [[nodiscard]] std::vector<std::string> published_names(const std::string& own) const;

  /// What is left when published names are mapped, in published names.
  struct Fit {
    std::vector<std::string> missing;     ///< expected by the module and not published
    std::vector<std::string> unexpected;  ///< published, and neither expected nor ignored
    bool complete() const { return missing.empty() && unexpected.empty(); }
  };
  /// Compares names alone.
  [[nodiscard]] Fit fit(const std::map<std::string, Tensor>& published, const NamedTensors& expected) const;

 private:
  /// A name with placeholders, taken apart.
  class Pattern {
   public:
    using Values = std::map<std::string, std::string>;
    explicit Pattern(const std::string& text);
    /// Fills `values` if the whole name matches.
    bool match(const std::string& name, Values& values) const;
    std::string with(const Values& values) const;
    std::vector<std::string> placeholders() const;  // sorted

   private:
    struct Piece {
      std::string text;
      bool placeholder = false;
    };
    std::vector<Piece> pieces_;
  };
  struct CompiledRule {
    NameRule rule;
    Pattern own;
    std::vector<Pattern> published;
  };
  /// Where a published tensor belongs.
  struct Target {
    const CompiledRule* rule = nullptr;  // null: none
    size_t part = 0;
    std::string own;
  };
  Target target_of(const std::string& published, const std::map<std::string, Tensor>& expected) const;
  const CompiledRule* rule_of(const std::string& own, Pattern::Values& values) const;
  bool is_ignored(const std::string& published) const;

  std::vector<CompiledRule> rules_;
  std::vector<std::pair<std::string, Pattern>> ignored_;
};

/// The first map that fits completely, else the one with the fewest missing and unexpected names: for models that are
/// published under several spellings. ConfigError for an empty list.
[[nodiscard]] const NameMap& best_fit(const std::vector<NameMap>& maps, const std::map<std::string, Tensor>& published,
                                      const NamedTensors& expected);

}  // namespace ditharos::nn
