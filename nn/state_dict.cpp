// Loading values by name, and the audit of a graph against what a module lists.
#include <algorithm>
#include <map>
#include <unordered_set>

#include <ditharos/autograd/node.h>
#include <ditharos/nn/module.h>
#include <ditharos/tensor/kernels/copy.h>

namespace ditharos::nn {
namespace {

/// "a, b, c and 12 more"
std::string listed(const std::vector<std::string>& names) {
  constexpr size_t most = 5;
  std::string text;
  for (size_t i = 0; i < std::min(most, names.size()); ++i) text += (i ? ", " : "") + names[i];
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

std::map<std::string, Tensor> by_name(const std::string& what, const NamedTensors& tensors) {
  std::map<std::string, Tensor> map;
  for (const auto& [name, tensor] : tensors)
    check<ConfigError>(map.emplace(name, tensor).second, what, " names \"", name, "\" twice");
  return map;
}

}  // namespace

void check_same_tensors(const std::string& what, const NamedTensors& expected, const NamedTensors& given) {
  const auto want = by_name(what, expected), have = by_name(what, given);
  std::vector<std::string> missing, unexpected, differing;
  for (const auto& [name, tensor] : want) {
    const auto it = have.find(name);
    if (it == have.end()) missing.push_back(name);
    else if (it->second.shape() != tensor.shape())
      differing.push_back(name + " (" + to_text(it->second.shape()) + " instead of " + to_text(tensor.shape()) + ")");
  }
  for (const auto& [name, tensor] : have)
    if (!want.count(name)) unexpected.push_back(name);
  std::string problems;
  if (!missing.empty()) problems += "; missing: " + listed(missing);
  if (!unexpected.empty()) problems += "; unexpected: " + listed(unexpected);
  if (!differing.empty()) problems += "; of another shape: " + listed(differing);
  check<ShapeError>(problems.empty(), what, " does not fit", problems);
}

void load_state_dict(Module& module, const NamedTensors& state) {
  const NamedTensors own = named_tensors(module);
  check_same_tensors("the state dict", own, state);
  const auto values = by_name("the state dict", state);
  for (const auto& [name, tensor] : own) kernels::copy_into(tensor, values.at(name));
}

void audit(const Tensor& loss, Module& module) {
  std::unordered_set<const TensorImpl*> known;
  for (const auto& [name, tensor] : named_parameters(module)) known.insert(tensor.impl());
  std::vector<Node*> stack;
  std::unordered_set<const Node*> seen;
  const auto root = node_of(loss);
  check<AutogradError>(root != nullptr, "[audit] the loss does not depend on any parameter");
  stack.push_back(root.get());
  while (!stack.empty()) {
    Node* node = stack.back();
    stack.pop_back();
    if (!seen.insert(node).second) continue;
    check<AutogradError>(!node->leaf.defined() || known.count(node->leaf.impl()), "[audit] a tensor of shape ",
                         node->shape,
                         " collects a gradient, but no visit() lists it: it would be neither trained nor saved");
    for (const auto& producer : node->next)
      if (producer) stack.push_back(producer.get());
  }
}

}  // namespace ditharos::nn
