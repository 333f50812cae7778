#pragma once
// Internal to autograd/.
// The data of autograd for a tensor.
#include <mutex>

#include <ditharos/autograd/node.h>

namespace ditharos {

struct Tangent;

struct Meta : AutogradMeta {
  bool requires_grad = false;     // a leaf that collects a gradient
  Tensor grad;                    // of a leaf, accumulated
  std::shared_ptr<Node> grad_fn;  // the operation that produced this tensor
  std::weak_ptr<Node> leaf_node;  // of a leaf; owned by the graphs that use it, and it owns the leaf
  std::vector<Hook> leaf_hooks;   // of a leaf: they outlive the graphs
  // Where its history left the graph; null: nowhere, or it is in the graph.
  std::shared_ptr<const GraphBreaks> graph_breaks;
  std::shared_ptr<Tangent> tangent;  // in forward mode
};

/// The tensor's Meta, made on first use.
Meta& meta_of(const Tensor& x);
/// The tensor's Meta or null.
Meta* find_meta(const Tensor& x);

/// A backward pass locks this mutex while it changes the gradient of a leaf, so that passes on several threads can add
/// to one leaf. Some leaves share one mutex.
std::recursive_mutex& gradient_mutex(const Tensor& leaf);

}  // namespace ditharos
