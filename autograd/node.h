#pragma once
// The recorded graph: a Node for each differentiable operation, and `record`, which every operation calls once.
//
//   Tensor exp(const Tensor& x) {
//     return record("exp", kernels::unary(Unary::exp, x), {x}, save_output,
//                   each([](const Backward& d) { return d.grad() * d.output(); }),   // d/dx e^x = e^x
//                   symmetric_jacobian);                                             // the same in forward mode
//   }
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/rule.h>
#include <ditharos/autograd/saved.h>
#include <ditharos/tensor/tensor.h>

namespace ditharos {

struct GraphBreaks;
struct Node;

/// Called with a gradient when it is complete; a defined result replaces it.
using Hook = std::function<Tensor(const Tensor&)>;

/// A set of nodes, without ownership.
using NodeSet = std::unordered_set<const Node*>;

/// One recorded operation, or a leaf (a parameter) when `leaf` is defined.
struct Node : std::enable_shared_from_this<Node> {
  explicit Node(const char* op_name);
  ~Node();  // frees a graph of any depth without recursion

  const char* name;
  const char* module;  // path of the module that recorded it; empty outside of named modules
  uint64_t sequence;   // creation order, which is a topological order; leaves have 0
  Shape shape;         // of the output
  DType dtype = DType::f32;
  std::vector<std::shared_ptr<Node>> next;  // producers of the inputs; null where no gradient is needed
  std::vector<Saved> inputs;
  Saved output;
  Rule rule;
  std::shared_ptr<const Rematerialization> recompute;  // how to get the output again, or null
  std::vector<Hook> hooks;
  bool accepts_rounded = false;  // the rule also reads a gradient in bf16: see accept_rounded_gradient
  // Where the history of inputs that need no gradient left the graph, or null.
  std::shared_ptr<const GraphBreaks> graph_breaks;
  Tensor leaf;

  /// Releases the saved tensors and the rule with its captures, after the backward pass has used them.
  void release();
};

/// The gradients that a backward pass has so far.
class PendingGrads {
 public:
  /// The gradient of the node's output, if there is one that may be added to in place; else undefined.
  virtual Tensor find(const Node& node) = 0;

 protected:
  ~PendingGrads() = default;
};

/// The argument of a rule: the incoming gradient and the saved tensors.
class Backward {
 public:
  /// `targets`: nodes that this backward pass has to reach; null stands for all. `pending`: null stands for none.
  Backward(Node& node, Tensor grad, const NodeSet* targets = nullptr, PendingGrads* pending = nullptr)
      : node_(&node), grad_(std::move(grad)), targets_(targets), pending_(pending) {}
  /// For a backward rule that a tangent rule calls, for the gradient of one input.
  Backward(const Tangents& forward, Tensor grad, size_t input)
      : forward_(&forward), input_(input), grad_(std::move(grad)) {}
  /// Gradient of the loss with respect to the output; its shape is the output's.
  const Tensor& grad() const { return grad_.dtype() == DType::bf16 ? widened_grad() : grad_; }
  /// The same, or rounded to bf16 if the operation that computed it did so: only after accept_rounded_gradient.
  const Tensor& rounded_grad() const { return grad_; }
  /// What a rule passes on to input i unchanged or as a view: rounded_grad() if its producer accepts that, else grad().
  const Tensor& grad_for(size_t i) const { return accepts_rounded(i) ? grad_ : grad(); }
  /// True if the gradient of input i may be in bf16: its producer accepts that.
  bool accepts_rounded(size_t i) const { return pending_ && needs(i) && node_->next[i]->accepts_rounded; }
  /// The same if this pass may overwrite it: nothing else refers to it, and no graph is being recorded. Else undefined.
  Tensor own_grad() const;
  /// Input i, with the elements that it had; undefined if it was undefined. AutogradError if it was modified since or
  /// was not saved. One that was saved as a Rematerialization is computed at each call.
  Tensor input(size_t i) const;
  /// A result of the forward pass that the rule captured in addition to inputs and output, with the elements that it
  /// had.
  Tensor intermediate(const Saved& saved) const { return unpack(saved, intermediate_result); }
  /// The output, with the elements that it had, attached to the graph again, so that rules which use it can be
  /// differentiated.
  Tensor output() const;
  /// False when nothing upstream of input i needs a gradient.
  bool needs(size_t i) const {
    if (!node_) return i == input_;
    return i < node_->next.size() && node_->next[i] && (!targets_ || targets_->count(node_->next[i].get()));
  }
  size_t input_count() const { return node_ ? node_->next.size() : forward_->input_count(); }
  /// The sum of the gradients that input i has received from other operations. A rule can add its own gradient to it in
  /// place, and then returns an undefined one. Undefined if there is none or if something else refers to it.
  Tensor pending(size_t i) const { return pending_ && needs(i) ? pending_->find(*node_->next[i]) : Tensor{}; }
  /// Shape of input i, one that needs a gradient: its producer knows it.
  const Shape& input_shape(size_t i) const;

 private:
  /// What a saved tensor was: an input by its index, or one of these.
  enum Which : int { whole_output = -1, intermediate_result = -2 };
  Tensor unpack(const Saved& saved, int which) const;
  const Tensor& widened_grad() const;
  Tensor rematerialize(const Rematerialization& how, int index) const;
  Node* node_ = nullptr;               // null:
  const Tangents* forward_ = nullptr;  // the tangent rule that calls
  size_t input_ = 0;
  Tensor grad_;
  mutable Tensor widened_;  // grad_ in f32, once it was asked for
  const NodeSet* targets_ = nullptr;
  PendingGrads* pending_ = nullptr;
};

/// Attaches the operation to the graph when recording is on and an input needs a gradient; returns `out`. `name` must
/// be a string literal, because it is stored as a pointer; the op table lists it. `tangent` is called in forward mode
/// when an input has a tangent; without one, AutogradError. `recompute` makes the output's Rematerialization; it is
/// called when the operation is recorded.
Tensor record(const char* name, Tensor out, std::vector<Tensor> inputs, const Save& save, Rule rule,
              const TangentRule& tangent = {}, const std::function<Rematerialization()>& recompute = nullptr);

/// For a result in bf16 whose rule reads rounded_grad(): its gradient may be computed in bf16. A gradient that is the
/// sum of several is f32. Returns `out`.
Tensor accept_rounded_gradient(Tensor out);

/// For an operation whose result has no derivative, because it consists of integers or booleans: returns `out`, marked
/// so that explain_grad can report where the gradient stops.
Tensor not_differentiable(const char* name, Tensor out, const std::vector<Tensor>& inputs);

/// A rule that consists of one function for each input. It runs only those whose input needs a gradient. Trailing
/// inputs that have no gradient by their nature (indices, labels, conditions) need no function.
template <class... F>
[[nodiscard]] auto each(F... rules) {
  return [=](const Backward& d) {
    Grads grads(sizeof...(F));
    size_t i = 0;
    (..., (d.needs(i) ? void(grads[i] = rules(d)) : void(), ++i));
    return grads;
  };
}

/// The rule of an operation with a kernel for its derivative, which cannot be differentiated: `kernel` while nothing
/// differentiates the result, else `composite`, the same in public operations. Both are backward rules, or both tangent
/// rules. The composite is usually derivative_of() the operation written in public operations. It is a separate rule if
/// that would save more inputs than the kernel reads, or lose digits.
template <class Kernel, class Composite>
[[nodiscard]] auto fused(Kernel kernel, Composite composite) {
  return [kernel = std::move(kernel), composite = std::move(composite)](const auto& d) {
    return differentiating() ? composite(d) : kernel(d);
  };
}

/// An operation written in public operations, as a function of its inputs.
using Composite = std::function<Tensor(const std::vector<Tensor>&)>;
/// The gradients of `f`, which is evaluated again on the saved inputs and differentiated. They stay connected to the
/// inputs, and nothing that a fused kernel computed counts as constant.
[[nodiscard]] Grads differentiate(const Backward& d, const Composite& f);
/// The tangent of f in the same way, by forward mode.
Tensor differentiate(const Tangents& d, const Composite& f);

/// The same as a backward rule, for which the operation has to save all inputs, and as a tangent rule.
template <class F>
[[nodiscard]] auto derivative_of(F f) {
  return [f = std::move(f)](const auto& d) { return differentiate(d, f); };
}

/// True when the tensor is a leaf that requires a gradient or was computed from one.
[[nodiscard]] bool needs_grad(const Tensor& x);
/// False for a tensor that a recorded operation computed: it collects no gradient of its own.
[[nodiscard]] bool is_leaf(const Tensor& x);
/// The node that produced x, or the leaf node of a parameter; null when x needs no gradient.
[[nodiscard]] std::shared_ptr<Node> node_of(const Tensor& x);

/// Calls `hook` with each gradient of x that a backward pass completes; a defined result replaces it.
void register_hook(const Tensor& x, Hook hook);
/// Backward passes add the gradient of x to its grad() from now on, as they do for leaves. AutogradError unless x needs
/// a gradient.
void retain_grad(const Tensor& x);

/// Names of all operations recorded so far in this process, when collection was switched on (by the test suite).
void collect_op_names(bool on);
[[nodiscard]] std::vector<std::string> collected_op_names();
/// Number of live nodes; zero when every graph is gone.
[[nodiscard]] int64_t live_nodes();

}  // namespace ditharos
