#pragma once
// Entries of op_golden_table.h for functions that take one or two tensors and nothing else.
#include "tests/op_table/golden/op_golden_table.h"

namespace ditharos::tests {

using Tensors = std::vector<Tensor>;
using GoldenEntries = std::map<std::string, GoldenOperation>;
using One = Tensor (*)(const Tensor&);
using Two = Tensor (*)(const Tensor&, const Tensor&);

inline GoldenOperation one(One f) {
  return [f](const Tensors& in) { return f(in[0]); };
}
inline GoldenOperation two(Two f) {
  return [f](const Tensors& in) { return f(in[0], in[1]); };
}

}  // namespace ditharos::tests
