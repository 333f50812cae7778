#pragma once
// Internal to autograd/.
// Graph breaks: why a tensor has no place in the graph although it was computed from one that has. A mark that costs a
// pointer, so that explain_grad can say where a gradient stops.
//
// A mark keeps nothing alive but itself: what it points to may be gone when it is read.
#include <memory>
#include <vector>

#include <ditharos/autograd/node.h>

namespace ditharos {

enum class GraphBreakReason {
  detach,         // Tensor::detach()
  no_grad,        // an operation while recording was off
  not_continuous  // an operation whose result (whole numbers, booleans) has no derivative
};

/// One place where a value left the graph.
struct GraphBreak {
  GraphBreakReason reason;
  const char* op;
  const char* module;  // that ran the operation
  Shape shape;         // of the operation's result
  DType dtype;
  std::weak_ptr<Node> node;        // the operation that made the value which left
  std::weak_ptr<TensorImpl> leaf;  // or the leaf that it was
};

/// All places where what a tensor was computed from left the graph, as far as there is room.
struct GraphBreaks {
  static constexpr size_t most = 16;
  std::vector<GraphBreak> list;
  bool more = false;  // there were others
};
using GraphBreaksPtr = std::shared_ptr<const GraphBreaks>;

/// Returns `out`, marked as broken off from those of its inputs that need a gradient, and with the marks of all others.
Tensor mark_graph_break(GraphBreakReason reason, const char* op, Tensor out, const std::vector<Tensor>& inputs);
/// Returns `out`, which needs no gradient as its inputs need none: it carries on their marks.
Tensor inherit_graph_breaks(Tensor out, const std::vector<Tensor>& inputs);
/// The marks of those inputs that need no gradient, or null.
GraphBreaksPtr graph_breaks_of(const std::vector<Tensor>& inputs);

/// No marks are made in a scope: for what the engine computes, which is nobody's forward pass.
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
