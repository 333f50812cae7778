#include <ditharos/autograd/saved.h>

namespace ditharos {

bool Saved::unchanged() const {
  return recompute ? recompute->unchanged() : !tensor.defined() || tensor.version() == version;
}

bool Rematerialization::unchanged() const {
  const auto first = result.lock();  // once it is gone nobody can have kept what was written there
  return (!first || first->version() == version) &&
         std::all_of(inputs.begin(), inputs.end(), [](const Saved& input) { return input.unchanged(); });
}

bool Rematerialization::makes(const Tensor& x) const { return result.lock() == x.storage() && unchanged(); }

}  // namespace ditharos
