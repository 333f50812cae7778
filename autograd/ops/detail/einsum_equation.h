#pragma once
// Internal to autograd/ops/.
// The equation of an einsum, "bij,jk->bik", parsed and checked.
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

struct EinsumEquation {
  /// ShapeError for a malformed equation and for operands that do not fit it.
  EinsumEquation(const std::string& equation, const std::vector<Tensor>& operands);

  /// The axes of "..." have the names '\1', '\2', ..., counted from the right, so that they align as in broadcasting.
  static bool of_ellipsis(char name) { return name < 'A'; }
  /// "\"i\"" or "axis -1 of the ellipsis".
  static std::string describe(char name);

  std::string text;                 ///< as given
  std::vector<std::string> inputs;  ///< one name for each axis
  std::string output;
};

}  // namespace ditharos
