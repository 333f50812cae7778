#pragma once
// Watching a backward pass from inside.
#include <ditharos/autograd/node.h>

namespace ditharos {

/// Sees every gradient of a pass. A gradient may be overwritten once the call is over: read it at once.
class PassRecorder {
 public:
  virtual ~PassRecorder() = default;
  /// The whole gradient of a node's output, hooks applied, before the node's rule runs.
  virtual void on_grad(const Node& node, const Tensor& grad) = 0;
  /// What the rule gave for an input, in the input's shape.
  virtual void on_input_grad(const Node& node, size_t input, const Tensor& grad) = 0;
};

/// A backward pass from `output`, weighted with `grad` as in backward(), that keeps the graph and leaves every leaf's
/// gradient as it is. `op` names it in messages.
void record_backward(const char* op, const Tensor& output, const Tensor& grad, PassRecorder& recorder);

}  // namespace ditharos
