#pragma once
// Internal to models/zoo/.
// The modules of the zoo behind one interface.
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <ditharos/models/zoo/published_model.h>

namespace ditharos::models {

/// The published names of one layout.
struct LayoutNames {
  std::vector<nn::NameMap> spellings;  ///< the first is the one that is written
  std::set<std::string> computed;      ///< tensors of the module that files of this layout do not have: fixed tables
};

/// A module, and how it is called with named inputs.
class PublishedNetwork {
 public:
  virtual ~PublishedNetwork() = default;
  virtual nn::ModuleBase& module() = 0;
  /// Outputs by name; the first of `differentiated()` is that of the cotangent.
  virtual TensorsByName run(const TensorsByName& inputs) const = 0;
  /// Names of the inputs that it reads.
  virtual std::set<std::string> inputs() const = 0;
  /// The output whose cotangent is given.
  virtual std::string differentiated() const { return "out"; }
};

/// The module of the description. The elements of its parameters are undefined: they are to be loaded.
[[nodiscard]] std::unique_ptr<PublishedNetwork> make_network(const RecognizedModel& description);

/// The layouts of the description's family and their names.
[[nodiscard]] std::map<Layout, LayoutNames> layout_names(const RecognizedModel& description);

}  // namespace ditharos::models
