#include <ditharos/autograd/engine.h>

#include <algorithm>
#include <mutex>
#include <queue>
#include <unordered_map>
#include <utility>

#include <ditharos/autograd/autocast.h>
#include <ditharos/autograd/dual.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/graph_break.h>
#include <ditharos/autograd/meta.h>
#include <ditharos/autograd/module_path.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/product_dtype.h>

namespace ditharos {
namespace {

using NodePtr = std::shared_ptr<Node>;

constinit thread_local int rules = 0;
constinit thread_local GradientListener* listener = nullptr;

/// Widens what an operation computed in bf16: sums and what a program sees are f32.
void in_f32(Tensor& g) {
  if (g.dtype() == DType::bf16) g = kernels::to(g, DType::f32);
}

/// into += g. In place when nobody else can see `into` and no graph is being made; the order of additions is the order
/// of arrival, which the graph alone decides.
void accumulate(Tensor& into, Tensor g) {
  if (!into.defined()) {
    into = std::move(g);
    return;
  }
  in_f32(into), in_f32(g);
  const WorkScope scope({"accumulate", WorkKind::backward, current_module_path(), &into.shape()});
  const bool in_place = !differentiating();
  if (in_place && into.is_unique() && into.is_contiguous()) kernels::accumulate(into, g);
  else if (in_place && g.is_unique() && g.is_contiguous()) kernels::accumulate(g, into), into = std::move(g);
  else into = into + g;
}

/// A copy that is attached to the graph while one is being made.
Tensor copied(const Tensor& g) {
  return record("clone", kernels::to(g, g.dtype()), {g}, save_nothing, each([](const Backward& d) { return d.grad(); }),
                [](const Tangents& d) { return d[0]; });
}

/// Adds a finished gradient to a leaf's. The leaf keeps memory of its own: optimisers and clipping work in place there.
void accumulate_leaf(const Tensor& leaf, Tensor g) {
  const std::lock_guard lock(gradient_mutex(leaf));
  Meta& meta = meta_of(leaf);
  if (meta.grad.defined()) return accumulate(meta.grad, std::move(g));
  meta.grad = g.is_unique() && g.is_contiguous() ? std::move(g) : copied(g);
}

/// Nodes from which some wanted node can be reached; only these need to run. Nothing older than the oldest wanted node
/// can reach one, so the search stays among newer nodes.
NodeSet nodes_leading_to(const std::vector<NodePtr>& roots, const NodeSet& wanted, bool stop_at_wanted) {
  uint64_t oldest = UINT64_MAX;
  for (const Node* n : wanted) oldest = std::min(oldest, n->sequence);
  std::vector<const Node*> found;
  NodeSet seen;
  for (const auto& root : roots)
    if (seen.insert(root.get()).second) found.push_back(root.get());
  for (size_t i = 0; i < found.size(); ++i) {
    if (stop_at_wanted && wanted.contains(found[i])) continue;
    for (const auto& producer : found[i]->next)
      if (producer && producer->sequence >= oldest && seen.insert(producer.get()).second)
        found.push_back(producer.get());
  }
  // Oldest first, so that a node's producers are decided before the node.
  std::sort(found.begin(), found.end(), [](auto* a, auto* b) { return a->sequence < b->sequence; });
  NodeSet leading;
  for (const Node* n : found) {
    const bool leads = wanted.contains(n) || std::any_of(n->next.begin(), n->next.end(), [&](const NodePtr& producer) {
                         return producer && leading.contains(producer.get());
                       });
    if (leads) leading.insert(n);
  }
  return leading;
}

/// How many inputs of the operations that lead to `root` are this leaf, for each leaf.
std::unordered_map<const Node*, int64_t> uses_of_leaves(const Node* root) {
  std::unordered_map<const Node*, int64_t> uses;
  std::vector<const Node*> found{root};
  NodeSet seen{root};
  for (size_t i = 0; i < found.size(); ++i)
    for (const NodePtr& producer : found[i]->next) {
      if (!producer) continue;
      if (producer->leaf.defined()) ++uses[producer.get()];
      else if (seen.insert(producer.get()).second) found.push_back(producer.get());
    }
  return uses;
}

/// One backward pass. `wanted` null: gradients go to the leaves; else to `results`, by node. `traced`: observers hear
/// each gradient.
class Pass final : private PendingGrads {
 public:
  Pass(const BackwardOptions& options, const NodeSet* wanted, const NodeSet* leading, bool traced = false)
      : options_(options), wanted_(wanted), leading_(leading), traced_(traced) {}

  void seed(const NodePtr& node, Tensor grad) { add(node, std::move(grad)); }

  /// `heard` (null: none) hears of leaves; `root` is where the pass begins.
  void listen(GradientListener* heard, const Node* root) {
    listener_ = heard;
    if (listener_) uses_left_ = uses_of_leaves(root);
  }

  void run() {
    const RecordingScope mode(options_.create_graph);
    while (!ready_.empty()) {
      const NodePtr node = ready_.top();
      ready_.pop();
      const auto slot = pending_.find(node.get());
      if (slot == pending_.end()) continue;  // a leaf that was finished before
      Tensor grad = std::move(slot->second);
      pending_.erase(slot);
      visit(*node, std::move(grad));
    }
  }

  std::unordered_map<const Node*, Tensor> results;

 private:
  struct Older {  // the newest operation first: reverse topological order, because an operation is newer than its
                  // inputs
    bool operator()(const NodePtr& a, const NodePtr& b) const {
      return a->sequence != b->sequence ? a->sequence < b->sequence : a.get() < b.get();
    }
  };

  Tensor find(const Node& node) override {
    if (differentiating()) return {};
    const auto usable = [&](const Tensor& g) {
      return g.defined() && g.is_unique() && g.is_contiguous() && g.dtype() == node.dtype;
    };
    if (const auto slot = pending_.find(&node); slot != pending_.end())
      return usable(slot->second) ? slot->second : Tensor{};
    // A parameter's gradient from earlier passes. Hooks want to see this pass's contribution alone.
    if (!node.leaf.defined() || wanted_ || !meta_of(node.leaf).leaf_hooks.empty()) return {};
    // The rule will add to it, so it stays locked until the rule is done. Where another thread has it, the rule's
    // gradient comes back instead: waiting here, with other leaves locked, could wait for ever.
    std::unique_lock lock(gradient_mutex(node.leaf), std::try_to_lock);
    if (!lock) return {};
    const Tensor& grad = meta_of(node.leaf).grad;
    if (!usable(grad) || grad.shape() != node.shape) return {};
    locked_.push_back(std::move(lock));
    return grad;
  }

  void add(const NodePtr& node, Tensor grad) {
    const auto [slot, fresh] = pending_.try_emplace(node.get());
    if (fresh) ready_.push(node);
    accumulate(slot->second, std::move(grad));
  }

  void visit(Node& node, Tensor grad) try {
    if (options_.independent_inputs && wanted_ && wanted_->contains(&node)) {
      in_f32(grad);
      results[&node] = std::move(grad);
      return;
    }
    const auto& hooks = node.leaf.defined() ? meta_of(node.leaf).leaf_hooks : node.hooks;
    if (!hooks.empty() || traced_ || (wanted_ && wanted_->contains(&node))) in_f32(grad);
    for (const Hook& hook : hooks)
      if (Tensor replaced = hook(grad); replaced.defined()) {
        check<ShapeError>(replaced.shape() == node.shape, "[", node.name, "] a hook returned a gradient of shape ",
                          replaced.shape(), " for a tensor of shape ", node.shape);
        check<DTypeError>(replaced.dtype() == node.dtype, "[", node.name, "] a hook returned a gradient of dtype ",
                          replaced.dtype(), " for a tensor of dtype ", node.dtype);
        grad = replaced;
      }
    if (traced_) notify([&](Observer& o) { o.on_gradient(node, grad); });
    if (wanted_ && wanted_->contains(&node)) results[&node] = grad;
    if (node.leaf.defined()) {
      if (!wanted_) accumulate_leaf(node.leaf, std::move(grad));
      return;
    }
    const bool leads_on = !leading_ || std::any_of(node.next.begin(), node.next.end(), [&](const NodePtr& producer) {
      return producer && leading_->contains(producer.get());
    });
    if (!leads_on) return;
    check<AutogradError>(
        node.rule != nullptr, "[", node.name,
        "] backward ran a second time through a graph that the first freed; pass retain_graph = true to "
        "the first");
    const ModulePath path(node.module);
    propagate(node, std::move(grad));
    if (listener_) finish_leaves(node);
    if (!options_.retain_graph && !options_.create_graph) node.release();
  } catch (Error& error) {
    if (!error.has_module()) error.set_module(node.module);
    throw;
  }

  /// Adds the gradients of those leaves for which the node was the last operation.
  void finish_leaves(const Node& node) {
    listener_->on_rule();
    for (const NodePtr& producer : node.next) {
      if (!producer || !producer->leaf.defined() || --uses_left_[producer.get()] > 0) continue;
      if (const auto slot = pending_.find(producer.get()); slot != pending_.end()) {
        Tensor grad = std::move(slot->second);
        pending_.erase(slot);
        visit(*producer, std::move(grad));
      }
      listener_->on_leaf(producer->leaf);
    }
  }

  Grads apply_rule(Node& node, Tensor grad) {
    const RuleScope running;
    const Autocast as_in_forward(DType::f32);  // what the forward pass rounded is bf16, and products of that are too
    const WorkScope scope({node.name, WorkKind::backward, node.module, &node.shape});
    const struct Unlock {
      std::vector<std::unique_lock<std::recursive_mutex>>& locked;
      ~Unlock() { locked.clear(); }
    } unlock{locked_};
    // In a traced pass, what a rule contributes shall come back from it instead of being added in place.
    return node.rule(Backward(node, std::move(grad), leading_, traced_ ? nullptr : this));
  }

  void propagate(Node& node, Tensor grad) {
    Grads grads = apply_rule(node, std::move(grad));
    const bool any_left_out =
        grads.size() < node.next.size() && std::any_of(
                                               node.next.begin() + std::ptrdiff_t(grads.size()), node.next.end(),
                                               [](const NodePtr& producer) { return producer != nullptr; });
    check<AutogradError>(grads.size() <= node.next.size() && !any_left_out, "[", node.name, "] the rule returned ",
                         grads.size(), " gradients for ", node.next.size(), " inputs");
    for (size_t i = 0; i < grads.size(); ++i) {
      const NodePtr& producer = node.next[i];
      if (!producer || !grads[i].defined() || (leading_ && !leading_->contains(producer.get()))) continue;
      Tensor g = std::move(grads[i]);
      notify([&](Observer& o) { o.on_rule_gradient(node, i, g); });
      const bool rounded = producer->accepts_rounded && g.dtype() == DType::bf16;
      check<DTypeError>(rounded || g.dtype() == producer->dtype, "[", node.name, "] the gradient of input ", i,
                        " has dtype ", g.dtype(), ", the input ", producer->dtype);
      if (g.shape() != producer->shape) {
        check<ShapeError>(broadcastable_to(producer->shape, g.shape()), "[", node.name, "] the gradient of input ", i,
                          " has shape ", g.shape(), ", the input ", producer->shape);
        in_f32(g);
        const WorkScope scope({"sum_to", WorkKind::backward, node.module, &producer->shape});
        g = sum_to(g, producer->shape);  // the forward pass broadcast this input
      }
      if (traced_) notify([&](Observer& o) { o.on_input_gradient(node, i, g); });
      add(producer, std::move(g));
    }
  }

  BackwardOptions options_;
  const NodeSet* wanted_;
  const NodeSet* leading_;
  const bool traced_;
  GradientListener* listener_ = nullptr;
  std::unordered_map<const Node*, int64_t> uses_left_;  // of leaves, by operations that have not run
  const NoGraphBreakMarks unmarked_;
  std::vector<std::unique_lock<std::recursive_mutex>> locked_;  // of leaves that the running rule adds to
  std::priority_queue<NodePtr, std::vector<NodePtr>, Older> ready_;
  std::unordered_map<const Node*, Tensor> pending_;
};

/// The weight of an output: as given, or 1 for a tensor of one element.
Tensor seed_grad(const char* op, const Tensor& output, const Tensor& grad) {
  check<AutogradError>(output.defined(), "[", op, "] the output is undefined");
  check<AutogradError>(needs_grad(output), "[", op, "] the output of shape ", output.shape(),
                       " does not depend on anything that needs a gradient");
  if (!grad.defined()) {
    check<AutogradError>(output.numel() == 1, "[", op, "] an output of shape ", output.shape(),
                         " needs a gradient of its shape to start from; only one element can do without");
    return ones(output.shape(), gradient_dtype(output.dtype()));
  }
  check<ShapeError>(grad.shape() == output.shape(), "[", op, "] the gradient has shape ", grad.shape(), ", the output ",
                    output.shape());
  check<DTypeError>(grad.dtype() == gradient_dtype(output.dtype()), "[", op, "] the gradient has dtype ", grad.dtype(),
                    ", the output ", output.dtype(),
                    is_reduced_floating(output.dtype()) ? "; its gradient must be f32" : "");
  return grad;
}

}  // namespace

int running_rules() { return rules; }
RuleScope::RuleScope() { ++rules; }
RuleScope::~RuleScope() { --rules; }

GradientListenerScope::GradientListenerScope(GradientListener& heard) : outer_(std::exchange(listener, &heard)) {}
GradientListenerScope::~GradientListenerScope() { listener = outer_; }

void backward(const Tensor& output, const Tensor& grad, const BackwardOptions& options) {
  const Tensor seed = seed_grad("backward", output, grad);
  Pass pass(options, nullptr, nullptr);
  pass.seed(node_of(output), seed);
  pass.listen(running_rules() == 0 ? listener : nullptr, node_of(output).get());
  pass.run();
}

void trace_backward(const char* op, const Tensor& output, const Tensor& grad) {
  const Tensor seed = seed_grad(op, output, grad);
  const NodeSet none;  // the gradients go to no leaf
  Pass pass({.retain_graph = true}, &none, nullptr, true);
  pass.seed(node_of(output), seed);
  pass.run();
}

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& grad_outputs, const BackwardOptions& options) {
  check<AutogradError>(!outputs.empty(), "[grad] there is no output");
  check<AutogradError>(grad_outputs.empty() || grad_outputs.size() == outputs.size(), "[grad] ", outputs.size(),
                       " outputs but ", grad_outputs.size(), " gradients of outputs");
  std::vector<NodePtr> roots, targets;
  std::vector<Tensor> seeds;
  NodeSet wanted;
  for (size_t i = 0; i < outputs.size(); ++i) {
    seeds.push_back(seed_grad("grad", outputs[i], grad_outputs.empty() ? Tensor{} : grad_outputs[i]));
    roots.push_back(node_of(outputs[i]));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    check<AutogradError>(needs_grad(inputs[i]), "[grad] input ", i, inputs[i].defined() ? "" : " is undefined and",
                         " does not require a gradient");
    targets.push_back(node_of(inputs[i]));
    wanted.insert(targets.back().get());
  }
  const NodeSet leading = nodes_leading_to(roots, wanted, options.independent_inputs);
  Pass pass(options, &wanted, &leading);
  for (size_t i = 0; i < roots.size(); ++i)
    if (leading.contains(roots[i].get())) pass.seed(roots[i], seeds[i]);
  pass.run();
  std::vector<Tensor> found;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto it = pass.results.find(targets[i].get());
    found.push_back(it != pass.results.end() ? it->second : zeros(inputs[i].shape(), targets[i]->dtype));
  }
  return found;
}

Tensor grad(const Tensor& output, const Tensor& input, const Tensor& grad_output, const BackwardOptions& options) {
  std::vector<Tensor> weights;
  if (grad_output.defined()) weights.push_back(grad_output);
  return grad(std::vector<Tensor>{output}, {input}, weights, options)[0];
}

}  // namespace ditharos
