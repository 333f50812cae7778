#pragma once
// How the entries of tests/golden/op.safetensors are computed here.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::tests {

using GoldenOperation = std::function<Tensor(const std::vector<Tensor>&)>;

/// By the entry's name: the operation's name in the op table, perhaps "#variant".
const std::map<std::string, GoldenOperation>& golden_operations();

}  // namespace ditharos::tests
