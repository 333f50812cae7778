#pragma once
// Internal to autograd/.
// Why a tensor has no place in the graph although it was computed from one that has: a mark that costs a pointer, so
// that explain_grad can say where a gradient stops.
//
// A mark keeps nothing alive but itself: what it points to may be gone when it is read.
#include <memory>
#include <vector>

#include <ditharos/autograd/node.h>

namespace ditharos {

enum class CutReason {
  detach,         // Tensor::detach()
  no_grad,        // an operation while recording was off
  not_continuous  // an operation whose result (whole numbers, booleans) has no derivative
};

/// One place where a value left the graph.
struct Cut {
  CutReason reason;
  const char* op;
  const char* module;  // that ran the operation
  Shape shape;         // of the operation's result
  DType dtype;
  std::weak_ptr<Node> node;        // the operation that made the value which left
  std::weak_ptr<TensorImpl> leaf;  // or the leaf that it was
};

/// All places where what a tensor was computed from left the graph, as far as there is room.
struct Cuts {
  static constexpr size_t most = 16;
  std::vector<Cut> list;
  bool more = false;  // there were others
};
using CutsPtr = std::shared_ptr<const Cuts>;

/// Returns `out`, marked as cut from those of its inputs that need a gradient, and with the marks of all others.
Tensor mark_cut(CutReason reason, const char* op, Tensor out, const std::vector<Tensor>& inputs);
/// Returns `out`, which needs no gradient as its inputs need none: it carries on their marks.
Tensor inherit_cuts(Tensor out, const std::vector<Tensor>& inputs);
/// The marks of those inputs that need no gradient, or null.
CutsPtr cuts_of(const std::vector<Tensor>& inputs);

/// No marks are made in a scope: for what the engine computes, which is nobody's forward pass.
class NoCutMarks {
 public:
  NoCutMarks();
  ~NoCutMarks();
  NoCutMarks(const NoCutMarks&) = delete;
  NoCutMarks& operator=(const NoCutMarks&) = delete;

 private:
  bool before_;
};

}  // namespace ditharos
