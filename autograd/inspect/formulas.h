#pragma once
// Internal to autograd/inspect/.
// What operations compute and how they are differentiated, as text for a reader.
#include <string>

namespace ditharos {

struct OpFormula {
  const char* forward;   ///< "" when the operation is not known
  const char* backward;  ///< g: the gradient that comes in; dx: the one that goes to x
};

/// For an operation of the library by the name under which it is recorded.
OpFormula formula_of(const std::string& op);

}  // namespace ditharos
