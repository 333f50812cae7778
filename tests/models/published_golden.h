#pragma once
// Models against golden files that have parameters and gradients under published names: "state.NAME", "grad.NAME".
#include <map>
#include <string>

#include <ditharos/nn/name_map.h>
#include "tests/support/golden.h"

namespace ditharos::tests {

/// The tensors of `golden` whose names start with `prefix`, by the rest of their names.
std::map<std::string, Tensor> published_tensors(const Golden& golden, const std::string& prefix);
/// Loads `prefix`state.* into the module. Strict.
void load_published(nn::ModuleBase& module, const nn::NameMap& names, const Golden& golden, const std::string& prefix);
/// Checks that the module's tensors are `prefix`state.*, bit by bit, under their published names.
void check_published_state(const nn::ModuleBase& module, const nn::NameMap& names, const Golden& golden,
                           const std::string& prefix);
/// Checks that the gradients of all parameters, under their published names, are `prefix`grad.*, up to `tolerance` of
/// each one's largest element, or a millionth of the largest of all (the biases of keys have gradients of 0, up to
/// rounding), and that the names agree.
void check_published_gradients(const nn::ModuleBase& module, const nn::NameMap& names, const Golden& golden,
                               const std::string& prefix, double tolerance);

}  // namespace ditharos::tests
