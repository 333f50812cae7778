#pragma once
// Internal to autograd/inspect/.
// A recorded graph as a list, with the tensors that each operation saves.
#include <memory>
#include <string>
#include <vector>

#include <ditharos/autograd/inspect/inspect.h>

namespace ditharos {

/// A tensor that an operation saves for the backward pass.
struct KeptTensor {
  std::string what;  // "input 0", "output", "input 1, computed again from"
  Tensor tensor;
  bool parameter;  // its memory is that of a leaf and is not counted
  bool counted;    // the first entry of the list that saves this memory
  int64_t bytes() const { return int64_t(tensor.storage()->bytes()); }
  /// The bytes that only this operation saves and that were not counted before.
  int64_t own_bytes() const { return counted && !parameter ? bytes() : 0; }
};

struct ListedNode {
  std::shared_ptr<Node> node;
  std::string name;         // of a leaf, if it was given one
  std::vector<int> inputs;  // indices in the list; -1: needs no gradient
  std::vector<KeptTensor> kept;
  int64_t own_bytes = 0;  // sum of own_bytes()
};

/// The graph behind `loss`: leaves first, in the order in which they are used, then operations, oldest first; the last
/// is what made `loss`. AutogradError, in the name of `op`, when there is no graph.
std::vector<ListedNode> list_graph(const char* op, const Tensor& loss, const TensorNames& names);

}  // namespace ditharos
