#pragma once
// Internal to autograd/inspect/.
// The formulas of operations and of their derivatives, as text.
#include <string>

namespace ditharos {

struct OpFormula {
  const char* forward;   ///< "" when the operation is not known
  const char* backward;  ///< g: the gradient that comes in; dx: the one that goes to x
};

/// The formulas of an operation of the library; `op` is the name under which it is recorded.
OpFormula formula_of(const std::string& op);

}  // namespace ditharos
