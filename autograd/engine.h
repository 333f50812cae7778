#pragma once
// Reverse mode: walks the recorded graph from outputs to inputs, newest operation first.
//
// Threads. Passes may run concurrently on several threads, each over a graph of its own, even if the graphs share
// parameters. A pass locks a leaf's grad() while it adds to it, so no contribution is lost. The order of the additions
// depends on the threads, and so do the last bits of the sum. Hooks run on the thread of their pass, without the lock.
// The caller has to join the threads before it reads or clears grad(), writes to parameters or steps an optimiser. Two
// passes must not run on one graph concurrently unless both retain it.
#include <vector>

#include <ditharos/autograd/node.h>

namespace ditharos {

struct BackwardOptions {
  bool retain_graph = false;  ///< keep what was saved, so that backward can run again
  bool create_graph = false;  ///< record the gradients' own computation (implies retain_graph)
  /// grad() only: the pass stops at the inputs, so that each counts as an independent variable even if one was computed
  /// from another. Their hooks are not called; the pass of which this one is a part calls them.
  bool independent_inputs = false;
};

/// Adds d(output)/d(leaf), weighted with `grad`, to the grad() of every leaf that the output depends on. `grad` has the
/// output's shape; undefined stands for 1 for a one-element output. AutogradError when there is no graph or it was
/// freed. With create_graph the leaf holds its gradient, the gradient its graph, and the graph the leaf. This cycle is
/// not freed until leaf.set_grad({}) or an optimiser's zero_grad() breaks it. grad() makes no cycle: see
/// docs/numerics.md.
void backward(const Tensor& output, const Tensor& grad = {}, const BackwardOptions& options = {});

/// Gradients of the outputs, weighted with `grad_outputs` (ones for one-element outputs when empty), with respect to
/// `inputs`, which may be leaves or intermediate results. No leaf's grad() changes. An input that the outputs do not
/// depend on gives zeros.
[[nodiscard]] std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                                       const std::vector<Tensor>& grad_outputs = {},
                                       const BackwardOptions& options = {});
/// The same for one output and one input.
Tensor grad(const Tensor& output, const Tensor& input, const Tensor& grad_output = {},
            const BackwardOptions& options = {});

/// A backward pass for the thread's observers, which receive each gradient (Observer::on_gradient and
/// on_input_gradient). It runs as backward() does, hooks included, but keeps the graph and leaves every leaf's grad()
/// unchanged. `op` is the name in messages.
void trace_backward(const char* op, const Tensor& output, const Tensor& grad);

/// The number of nested rules in which the calling thread is: a rule may run a pass of its own.
[[nodiscard]] int running_rules();
/// Counts a rule, a backward or a tangent one, while it runs.
class RuleScope {
 public:
  RuleScope();
  ~RuleScope();
  RuleScope(const RuleScope&) = delete;
  RuleScope& operator=(const RuleScope&) = delete;
};

/// Receives the events of the backward passes of a thread. Passes inside of backward rules are not heard.
class GradientListener {
 public:
  virtual ~GradientListener() = default;
  /// The pass has made its last contribution to leaf.grad(), which may be cleared or replaced in the call.
  virtual void on_leaf(const Tensor& leaf) = 0;
  /// A backward rule has ended.
  virtual void on_rule() {}
};

/// In a scope, every backward() of this thread adds a leaf's gradient to its grad() as soon as the pass has its last
/// contribution, instead of at its end, and reports it. The bits of gradients do not change. A leaf that the pass
/// reaches through an operation without a gradient is added at the end and is not reported. Scopes nest; the innermost
/// listener hears.
class GradientListenerScope {
 public:
  explicit GradientListenerScope(GradientListener& heard);
  ~GradientListenerScope();
  GradientListenerScope(const GradientListenerScope&) = delete;
  GradientListenerScope& operator=(const GradientListenerScope&) = delete;

 private:
  GradientListener* outer_;
};

}  // namespace ditharos
