#pragma once
// Looking at a recorded graph: what was recorded, what it keeps in memory.
//
//   loss = mse_loss(net(x), y);
//   std::puts(print_graph(loss).c_str());
//
// All of it is read from the graph; nothing is computed and nothing changes.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <ditharos/autograd/node.h>

namespace ditharos {

/// Names for leaves, to be used where a graph is shown. nn::tensor_names lists a model's.
using TensorNames = std::vector<std::pair<std::string, Tensor>>;

/// The graph as a table, leaves first, then operations, oldest first: number, operation, shape, numbers of the inputs
/// ("-" where none needs a gradient), bytes kept for the backward pass, module path. A tensor that several operations
/// keep is counted for the first of them.
[[nodiscard]] std::string print_graph(const Tensor& loss, const TensorNames& names = {});

/// The graph in the language of Graphviz: arrows lead from inputs to results, leaves are boxes.
[[nodiscard]] std::string to_dot(const Tensor& loss, const TensorNames& names = {});

struct SavedBytes {
  std::string op;
  int64_t count;            ///< operations of that name
  int64_t bytes;            ///< that they keep, beyond what lives anyway
  int64_t parameter_bytes;  ///< of leaves that they keep: no memory more than the leaves take
};
/// What the operations keep for the backward pass, by name, most bytes first. Each block of memory counts once, whole,
/// for the oldest operation that keeps it; what is recomputed counts as what it is computed from. What a rule captured
/// besides (row statistics, indices) cannot be seen from outside and is not counted. Nothing is left after a backward pass.
[[nodiscard]] std::vector<SavedBytes> saved_bytes_by_op(const Tensor& loss);

/// Calls f(operation, bytes) for every operation behind `loss`, oldest first, with the bytes counted in the same way.
void for_each_saved(const Tensor& loss, const std::function<void(const Node& operation, int64_t bytes)>& f);

}  // namespace ditharos
