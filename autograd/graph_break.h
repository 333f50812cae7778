#pragma once
// Internal to autograd/.
// Graph breaks: marks on a tensor that has no graph although it was computed from a tensor that has one. A mark costs a
// pointer. explain_grad reads the marks.
//
// A mark keeps no node and no tensor alive, so these may be gone when it is read.
#include <memory>
#include <vector>

#include <ditharos/autograd/node.h>

namespace ditharos {

enum class GraphBreakReason {
  detach,         // Tensor::detach()
  no_grad,        // an operation while recording was off
  not_continuous  // an operation whose result (whole numbers, booleans) has no derivative
};

/// One operation whose result left the graph.
struct GraphBreak {
  GraphBreakReason reason;
  const char* op;
  const char* module;  // that ran the operation
  Shape shape;         // of the operation's result
  DType dtype;
  std::weak_ptr<Node> node;        // the operation that made the value which left
  std::weak_ptr<TensorImpl> leaf;  // or the leaf that it was
};

/// The graph breaks between a tensor and the tensors from which it was computed, up to the number `most`.
struct GraphBreaks {
  static constexpr size_t most = 16;
  std::vector<GraphBreak> list;
  bool more = false;  // there were others
};
using GraphBreaksPtr = std::shared_ptr<const GraphBreaks>;

/// Returns `out`, marked with a graph break for each of its inputs that needs a gradient, and with the marks of the
/// other inputs.
Tensor mark_graph_break(GraphBreakReason reason, const char* op, Tensor out, const std::vector<Tensor>& inputs);
/// Returns `out` with the marks of its inputs. Neither needs a gradient.
Tensor inherit_graph_breaks(Tensor out, const std::vector<Tensor>& inputs);
/// The marks of those inputs that need no gradient, or null.
GraphBreaksPtr graph_breaks_of(const std::vector<Tensor>& inputs);

/// In a scope, no marks are made: for the computations of the engine, which are no forward pass.
class NoGraphBreakMarks {
 public:
  NoGraphBreakMarks();
  ~NoGraphBreakMarks();
  NoGraphBreakMarks(const NoGraphBreakMarks&) = delete;
  NoGraphBreakMarks& operator=(const NoGraphBreakMarks&) = delete;

 private:
  bool before_;
};

}  // namespace ditharos
