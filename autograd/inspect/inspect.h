#pragma once
// Inspection of a recorded graph: what was recorded, and how much memory the saved tensors take.
//
//   loss = mse_loss(net(x), y);
//   std::puts(print_graph(loss).c_str());
//
// The functions only read the graph. They compute nothing and change nothing.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <ditharos/autograd/node.h>

namespace ditharos {

/// Names of leaves for the output of these functions. nn::tensor_names lists those of a model.
using TensorNames = std::vector<std::pair<std::string, Tensor>>;

/// The graph as a table, leaves first, then operations, oldest first. Columns: number, operation, shape, numbers of the
/// inputs ("-" for one that needs no gradient), bytes saved for the backward pass, module path. A tensor that several
/// operations save is counted for the first of them.
[[nodiscard]] std::string print_graph(const Tensor& loss, const TensorNames& names = {});

/// The graph in the language of Graphviz: arrows lead from inputs to results, leaves are boxes.
[[nodiscard]] std::string to_dot(const Tensor& loss, const TensorNames& names = {});

struct SavedBytes {
  std::string op;
  int64_t count;            ///< operations of that name
  int64_t bytes;            ///< that they save, without parameters
  int64_t parameter_bytes;  ///< of leaves that they save; these take no further memory
};
/// What the operations save for the backward pass, by name, most bytes first. Each block of memory is counted once,
/// with its whole size, for the oldest operation that saves it. A rematerialization is counted as the tensors from
/// which it computes. Other captures of a rule (row statistics, indices) are not visible and are not counted. Nothing
/// is left after a backward pass.
[[nodiscard]] std::vector<SavedBytes> saved_bytes_by_op(const Tensor& loss);

/// Calls f(operation, bytes) for every operation behind `loss`, oldest first, with the bytes counted in the same way.
void for_each_saved(const Tensor& loss, const std::function<void(const Node& operation, int64_t bytes)>& f);

}  // namespace ditharos
