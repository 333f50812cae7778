#include <ditharos/autograd/inspect/anomaly.h>

#include <ditharos/autograd/engine.h>
#include <ditharos/tensor/kernels/pointwise/select.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/observer.h>

namespace ditharos {
namespace {

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

namespace {

/// Searches what operations and rules compute. Called on many threads at once, so it has no state.
class NanSearch : public Observer {
 public:
  void on_result(const WorkItem& work, const Tensor& out, const std::vector<Tensor>& inputs) override {
    // While a rule runs, the results inside are left alone: its gradients are searched, in the operation's name.
    if (running_rules() > 0 || !has_nan(out)) return;
    std::string shapes, origins;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (has_nan(inputs[i]))
        fail<AutogradError>("[", work.name, "] input ", i, " of shape ", inputs[i].shape(), " has a NaN");
      if (inputs[i].defined()) shapes += (shapes.empty() ? "" : ", ") + to_text(inputs[i].shape());
      if (const auto producer = node_of(inputs[i]))
        origins += "; input " + std::to_string(i) + " comes from " + describe_origin(*producer);
    }
    fail<AutogradError>("[", work.name, "] made a NaN out of inputs without one, of shapes ", shapes, origins);
  }

  void on_tangent(const WorkItem& work, const Tensor& tangent, const std::vector<Tensor>& tangents) override {
    if (running_rules() > 0 || !has_nan(tangent)) return;
    for (size_t i = 0; i < tangents.size(); ++i)
      if (has_nan(tangents[i]))
        fail<AutogradError>("[", work.name, "] the tangent of input ", i, " of shape ", tangents[i].shape(),
                            " has a NaN");
    fail<AutogradError>("[", work.name, "] the tangent of the result, of shape ", tangent.shape(),
                        ", has a NaN, which the tangents of the inputs had not");
  }

  void on_rule_gradient(const Node& node, size_t input, const Tensor& grad) override {
    if (!has_nan(grad)) return;
    fail<AutogradError>("[", node.name, "] the gradient of input ", input, " of shape ", grad.shape(),
                        " has a NaN, which the gradient of the output had not; the operation: ", describe_origin(node));
  }
};

NanSearch& nan_search() {
  static auto* search = new NanSearch;  // never destroyed: threads may outlive main
  return *search;
}

}  // namespace

void set_detect_nan(bool on) { process_observer.store(on ? &nan_search() : nullptr, std::memory_order_release); }
bool detect_nan() { return process_observer.load(std::memory_order_relaxed) != nullptr; }

}  // namespace ditharos
