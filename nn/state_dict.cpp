#include <ditharos/nn/state_dict.h>

#include <algorithm>
#include <map>
#include <unordered_set>
#include <utility>

#include <ditharos/autograd/node.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::nn {
namespace {

/// "a, b, c and 12 more"
template <class T, class F>
std::string listed(const std::vector<T>& all, const F& text_of) {
  constexpr size_t most = 5;
  std::string text;
  for (size_t i = 0; i < std::min(most, all.size()); ++i) text += (i ? ", " : "") + text_of(all[i]);
  if (all.size() > most) text += " and " + std::to_string(all.size() - most) + " more";
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

LoadReport compare(const std::map<std::string, Tensor>& expected, const std::map<std::string, Tensor>& given) {
  LoadReport report;
  for (const auto& [name, tensor] : expected) {
    const auto it = given.find(name);
    if (it == given.end()) {
      report.missing.push_back(name);
      continue;
    }
    const Tensor& other = it->second;
    if (other.shape() != tensor.shape()) report.of_other_shape.push_back({name, other.shape(), tensor.shape()});
    if (other.dtype() != tensor.dtype()) report.converted.push_back({name, other.dtype(), tensor.dtype()});
  }
  for (const auto& [name, tensor] : given)
    if (!expected.contains(name)) report.unexpected.push_back(name);
  return report;
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
    if (!given.contains(other) || !given.contains(one.name)) continue;  // not strict: the module's own value
    check<ConfigError>(same_values(given.at(other), given.at(one.name)), what, " does not fit: \"", other, "\" and \"",
                       one.name,
                       "\" are one tensor here, but have different values there; share() and tied weights "
                       "make one tensor of several, copies of a module are independent");
  }
}

}  // namespace

std::string to_text(const LoadReport& report) {
  std::string text;
  const auto add = [&](const char* what, const auto& list, const auto& text_of) {
    if (!list.empty()) text += (text.empty() ? "" : "; ") + std::string(what) + ": " + listed(list, text_of);
  };
  const auto itself = [](const std::string& name) { return name; };
  add("missing", report.missing, itself);
  add("unexpected", report.unexpected, itself);
  add("of another shape", report.of_other_shape, [](const LoadReport::OtherShape& one) {
    return one.name + " (" + to_text(one.given) + " instead of " + to_text(one.expected) + ")";
  });
  add("converted", report.converted, [](const LoadReport::Conversion& one) {
    return one.name + " (" + to_text(one.from) + " to " + to_text(one.to) + ")";
  });
  return text;
}

namespace {

/// Throws unless the report is complete, or all it has are names on one side where `strict` is false.
void check_report(const std::string& what, LoadReport report, bool strict) {
  if (report.complete() || (!strict && report.of_other_shape.empty())) return;
  report.converted.clear();  // no reason to refuse
  if (!strict) report.missing.clear(), report.unexpected.clear();
  fail<ShapeError>(what, " does not fit; ", to_text(report));
}

}  // namespace

void check_same_tensors(const std::string& what, const NamedTensors& expected, const NamedTensors& given) {
  const auto want = by_name(what, expected), have = by_name(what, given);
  check_report(what, compare(want, have), true);
  check_shared_agree(what, expected, have);
}

/// Puts given tensors in the place of a module's, or copies them where they cannot be its own.
class Assignment : public Visitor {
 public:
  explicit Assignment(const std::map<std::string, Tensor>& values) : values_(values) {
    for (const auto& [name, tensor] : values) ++users_[tensor.storage().get()];
  }

 protected:
  void on_parameter(const std::string& name, Tensor& parameter) override { assign(name, parameter); }
  void on_buffer(const std::string& name, Tensor& buffer) override { assign(name, buffer); }

 private:
  void assign(const std::string& name, Tensor& tensor) {
    const auto value = values_.find(name);
    if (value == values_.end()) return;
    const Tensor& given = value->second;
    // Tied parameters stay one tensor. The former one is kept, so that no other gets its address.
    const auto [known, first] = assigned_.try_emplace(tensor.impl(), tensor, Tensor());
    Tensor& assigned = known->second.second;
    if (first && given.dtype() == tensor.dtype() && given.is_contiguous() && users_.at(given.storage().get()) == 1) {
      assigned = Tensor(given.storage(), given.shape(), given.strides(), given.offset(), given.dtype());
      assigned.set_requires_grad(tensor.requires_grad());
    } else if (first) {
      kernels::copy_into(tensor, given);
    }
    if (assigned.defined()) tensor = assigned;
  }

  const std::map<std::string, Tensor>& values_;
  std::map<const Storage*, int> users_;
  std::map<const TensorImpl*, std::pair<Tensor, Tensor>> assigned_;  // former and new; undefined: copied
};

LoadReport compare_state_dict(const ModuleBase& module, const NamedTensors& state) {
  const std::string what = "the state dict";
  return compare(by_name(what, named_tensors(module)), by_name(what, state));
}

LoadReport load_state_dict(ModuleBase& module, const NamedTensors& state, const LoadOptions& options) {
  const std::string what = "the state dict";
  const NamedTensors own = named_tensors(module);
  const auto values = by_name(what, state);
  LoadReport report = compare(by_name(what, own), values);
  check_report(what, report, options.strict);
  check_shared_agree(what, own, values);
  if (options.assign) {
    Assignment assignment(values);
    module.visit(assignment);
    return report;
  }
  for (const auto& [name, tensor] : own)
    if (const auto it = values.find(name); it != values.end()) kernels::copy_into(tensor, it->second);
  return report;
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
    check<AutogradError>(!node->leaf.defined() || known.contains(node->leaf.impl()), "[audit] a tensor of shape ",
                         node->shape,
                         " collects a gradient, but no visit() lists it: it would be neither trained nor saved");
    for (const auto& producer : node->next)
      if (producer) stack.push_back(producer.get());
  }
  return shared_tensors(module);
}

}  // namespace ditharos::nn
