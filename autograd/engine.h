#pragma once
// Reverse mode: walks the recorded graph from outputs to inputs, newest operation first.
//
// Threads. Passes may run at once on several threads, each over a graph of its own, also where the graphs share
// parameters: a leaf's grad() is locked while a pass adds to it, so that every contribution counts. In which order they
// arrive is up to the threads, and with it the last bits of the sum. Hooks run on the thread of their pass, unlocked.
// What is left to the caller: to join the threads before reading or clearing grad(), writing to parameters or stepping
// an optimiser; and not to let two passes walk one graph unless both retain it.
#include <vector>

#include <ditharos/autograd/node.h>

namespace ditharos {

struct BackwardOptions {
  bool retain_graph = false;  ///< keep what was saved, so that backward can run again
  bool create_graph = false;  ///< record the gradients' own computation (implies retain_graph)
  /// grad() only: the walk stops at the inputs, so that each counts as a variable of its own even where one was
  /// computed from another. Their hooks are left to the pass that this one is a part of.
  bool independent_inputs = false;
};

/// Adds d(output)/d(leaf), weighted with `grad` (the output's shape; 1 for a one-element output when undefined), to
/// the grad() of every leaf that the output depends on. AutogradError when there is no graph or it was freed.
/// With create_graph the leaf holds its gradient, the gradient its graph and the graph the leaf: a cycle, which nothing
/// frees until leaf.set_grad({}) or an optimiser's zero_grad() breaks it. grad() makes none: see docs/numerics.md.
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

/// A pass for the thread's observers, which hear each gradient (Observer::on_gradient and on_input_gradient). It runs
/// as backward() does, hooks included, but keeps the graph and leaves every leaf's grad() as it is. `op` names it in
/// messages.
void trace_backward(const char* op, const Tensor& output, const Tensor& grad);

/// How many backward rules the calling thread is in, one inside the other: a rule may run a pass of its own.
[[nodiscard]] int running_rules();

}  // namespace ditharos
