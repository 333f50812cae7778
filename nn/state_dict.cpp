#include <ditharos/nn/state_dict.h>

#include <algorithm>
#include <map>
#include <utility>
#include <unordered_set>

#include <ditharos/autograd/node.h>
#include <ditharos/tensor/kernels/copy/copy.h>

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

bool same_values(const Tensor& a, const Tensor& b) {
  if (a.impl() == b.impl()) return true;
  const Tensor x = kernels::to(a, DType::f64), y = kernels::to(b, DType::f64);  // contiguous
  const Tensor i = kernels::to(a, DType::i64), k = kernels::to(b, DType::i64);  // whole numbers beyond 2^53
  const auto same = [](const auto* p, const auto* q, int64_t n) {
    return std::equal(p, p + n, q, [](auto v, auto w) { return v == w || (v != v && w != w); });
  };
  return same(x.data<double>(), y.data<double>(), x.numel()) &&
         (is_floating(a.dtype()) || same(i.data<int64_t>(), k.data<int64_t>(), i.numel()));
}

/// One tensor under several names can hold one value.
void check_shared_agree(const std::string& what, const NamedTensors& expected,
                        const std::map<std::string, Tensor>& given) {
  std::map<std::pair<const Storage*, int64_t>, const NamedTensor*> first;  // by where the elements are
  for (const NamedTensor& one : expected) {
    if (one.tensor.numel() == 0) continue;
    const auto [at, fresh] = first.emplace(std::pair(one.tensor.storage().get(), one.tensor.offset()), &one);
    const Tensor& before = at->second->tensor;
    if (fresh || before.shape() != one.tensor.shape() || before.strides() != one.tensor.strides()) continue;
    const std::string& other = at->second->name;
    check<ConfigError>(same_values(given.at(other), given.at(one.name)), what, " does not fit: \"", other, "\" and \"",
                       one.name, "\" are one tensor here, but have different values there; share() and tied weights "
                       "make one tensor of several, copies of a module are independent");
  }
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
  check_shared_agree(what, expected, have);
}

void load_state_dict(ModuleBase& module, const NamedTensors& state) {
  const NamedTensors own = named_tensors(module);
  check_same_tensors("the state dict", own, state);
  const auto values = by_name("the state dict", state);
  for (const auto& [name, tensor] : own) kernels::copy_into(tensor, values.at(name));
}

std::vector<SharedNames> audit(const Tensor& loss, const ModuleBase& module) {
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
  return shared_tensors(module);
}

}  // namespace ditharos::nn
