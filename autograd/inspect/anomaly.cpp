#include <ditharos/autograd/inspect/anomaly.h>

#include <atomic>

#include <ditharos/autograd/module_path.h>
#include <ditharos/tensor/kernels/pointwise.h>
#include <ditharos/tensor/kernels/reduce.h>

namespace ditharos {
namespace {

std::atomic<bool> detecting{false};
thread_local int rules_running = 0;  // a fused rule runs a backward pass inside

/// NaN is the value that differs from itself.
bool has_nan(const Tensor& x) {
  return x.defined() && is_floating(x.dtype()) &&
         kernels::sum(kernels::compare(kernels::Compare::ne, x, x), {}, false).item() > 0;
}

constexpr int longest_trail = 8;

/// "sqrt", or "sqrt in blocks.3.attn" when a module with a path did it.
std::string with_module(const char* op, const char* module) {
  return *module ? op + (" in " + std::string(module)) : op;
}

}  // namespace

void set_detect_nan(bool on) { detecting = on; }
bool detect_nan() { return detecting.load(std::memory_order_relaxed); }

std::string describe_origin(const Node& node) {
  std::string trail = with_module(node.name, node.module) + " of shape " + to_text(node.shape);
  const Node* at = &node;
  for (int i = 0; !at->next.empty(); ++i) {
    const Node* producer = nullptr;
    for (size_t k = 0; k < at->next.size() && !producer; ++k) producer = at->next[k].get();
    if (!producer) break;
    if (i == longest_trail) return trail + " <- ...";
    at = producer;
    trail += " <- " + with_module(at->name, at->module);
  }
  return at == &node ? trail : trail + " of shape " + to_text(at->shape);
}

void check_result(const char* op, const Tensor& out, const std::vector<Tensor>& inputs) {
  if (rules_running > 0 || !has_nan(out)) return;
  const std::string name = with_module(op, current_module_path());
  std::string shapes, origins;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (has_nan(inputs[i]))
      fail<AutogradError>("[", name, "] input ", i, " of shape ", inputs[i].shape(), " has a NaN");
    if (inputs[i].defined()) shapes += (shapes.empty() ? "" : ", ") + to_text(inputs[i].shape());
    if (const auto producer = node_of(inputs[i])) origins += "; input " + std::to_string(i) + " comes from " +
                                                             describe_origin(*producer);
  }
  fail<AutogradError>("[", name, "] made a NaN out of inputs without one, of shapes ", shapes, origins);
}

RuleScope::RuleScope() { ++rules_running; }
RuleScope::~RuleScope() { --rules_running; }

void check_gradient(const Node& node, size_t input, const Tensor& grad) {
  if (!has_nan(grad)) return;
  fail<AutogradError>("[", with_module(node.name, node.module), "] the gradient of input ", input, " of shape ",
                      grad.shape(),
                      " has a NaN, which the gradient of the output had not; the operation: ", describe_origin(node));
}

}  // namespace ditharos
