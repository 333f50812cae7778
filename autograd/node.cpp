#include <ditharos/autograd/node.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <new>
#include <set>

#include <ditharos/autograd/dual.h>
#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/graph_break.h>
#include <ditharos/autograd/meta.h>
#include <ditharos/autograd/module_path.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/product_dtype.h>
#include <ditharos/tensor/view.h>

namespace ditharos {
namespace {
std::atomic<uint64_t> next_sequence{1};
std::atomic<int64_t> node_count{0};
std::atomic<bool> collecting{false};

struct OpNames {
  std::mutex mutex;
  std::set<std::string> names;
};
OpNames& op_names() {
  static OpNames instance;
  return instance;
}
}  // namespace

Node::Node(const char* op_name) : name(op_name), module(current_module_path()), sequence(next_sequence++) {
  ++node_count;
}

namespace {
/// Whatever a node keeps alive. Destroyed in place, it would take a stack frame or more for each operation of a chain.
struct Remains {
  std::vector<std::shared_ptr<Node>> next;
  std::vector<Saved> inputs;
  Rule rule;  // may have captured results of other operations
  std::shared_ptr<const Rematerialization> recompute;
};
}  // namespace

Node::~Node() {
  --node_count;
  // The outermost destructor keeps the list and empties it; those that run meanwhile only add to it.
  static thread_local std::vector<Remains>* list = nullptr;
  const auto add_remains = [this] {
    Remains mine{std::move(next), std::move(inputs), std::move(rule), std::move(recompute)};
    try {
      list->push_back(std::move(mine));
    } catch (const std::bad_alloc&) {  // no memory for the list: they are destroyed in place after all
    }
  };
  if (list) {
    add_remains();
    return;
  }
  std::vector<Remains> remains;
  list = &remains;
  add_remains();
  while (!remains.empty()) {
    const Remains dead = std::move(remains.back());
    remains.pop_back();
  }
  list = nullptr;
}

void Node::release() {
  // A saved input may be the last owner of an earlier node; its edge in `next` still holds that node, so nothing is
  // destroyed here but memory.
  rule = nullptr;
  inputs.clear();
  output = {};
  recompute = nullptr;
}

Tensor Backward::unpack(const Saved& saved, int which) const {
  if (!node_) return saved.tensor;
  const auto what = [which] {
    return which >= 0 ? "input " + std::to_string(which) : which == whole_output ? "output" : "intermediate result";
  };
  const auto check_version = [&](uint64_t version, uint64_t then, const Shape& shape) {
    if (version != then)
      fail<AutogradError>("[", node_->name, "] the saved ", what(), " of shape ", shape,
                          " was modified in place after the forward pass (version ", version, ", saved at ", then, ")");
  };
  if (!saved.present)
    fail<AutogradError>("[", node_->name, "] the rule asks for the ", what(), ", which the operation did not save");
  if (saved.recompute) {
    if (const auto first = saved.recompute->result.lock())
      check_version(first->version(), saved.recompute->version, input_shape(size_t(which)));
    return rematerialize(*saved.recompute, which);
  }
  if (!saved.tensor.defined()) return {};
  check_version(saved.tensor.version(), saved.version, saved.tensor.shape());
  return saved.tensor;
}

Tensor Backward::rematerialize(const Rematerialization& how, int index) const {
  std::vector<Tensor> inputs;
  for (const Saved& saved : how.inputs) inputs.push_back(unpack(saved, index));
  NoGrad off;
  const Tensor x = views::alias(how.compute(inputs));
  meta_of(x).grad_fn = node_->next[static_cast<size_t>(index)];  // the operation that made it the first time
  return x;
}

const Tensor& Backward::widened_grad() const {
  if (!widened_.defined()) widened_ = kernels::to(grad_, DType::f32);
  return widened_;
}

Tensor Backward::own_grad() const {
  return node_ && !differentiating() && grad_.is_unique() && grad_.is_contiguous() ? grad_ : Tensor{};
}

Tensor Backward::input(size_t i) const {
  if (!node_) return forward_->input(i);
  check<AutogradError>(i < node_->inputs.size(), "[", node_->name, "] the rule asks for input ", i,
                       ", which was not saved");
  return unpack(node_->inputs[i], static_cast<int>(i));
}

const Shape& Backward::input_shape(size_t i) const {
  if (!node_) return forward_->input(i).shape();
  check<AutogradError>(i < node_->next.size() && node_->next[i], "[", node_->name,
                       "] the rule asks for the shape of input ", i, ", which needs no gradient");
  return node_->next[i]->shape;
}

Tensor Backward::output() const {
  if (!node_) return forward_->output();
  // The stored handle is detached: a node that held its own output would never be freed.
  const Tensor saved = unpack(node_->output, whole_output), y = views::alias(saved);
  meta_of(y).grad_fn = node_->shared_from_this();
  copy_tangent(saved, y);
  return y;
}

Tensor accept_rounded_gradient(Tensor out) {
  if (Meta* meta = find_meta(out); meta && meta->grad_fn) meta->grad_fn->accepts_rounded = out.dtype() == DType::bf16;
  return out;
}

Meta& meta_of(const Tensor& x) {
  check(x.defined(), "the tensor is undefined: it was never given a value");
  auto& meta = x.impl()->meta;
  if (!meta) meta = std::make_unique<Meta>();
  return static_cast<Meta&>(*meta);
}

std::recursive_mutex& gradient_mutex(const Tensor& leaf) {
  static auto* mutexes = new std::array<std::recursive_mutex, 64>;  // never destroyed: threads may outlive main
  // Impls lie a cache line or more apart.
  return (*mutexes)[std::hash<const void*>{}(leaf.impl()) / 64 % mutexes->size()];
}

Meta* find_meta(const Tensor& x) { return x.defined() ? static_cast<Meta*>(x.impl()->meta.get()) : nullptr; }

bool needs_grad(const Tensor& x) {
  const Meta* meta = find_meta(x);
  return meta && (meta->requires_grad || meta->grad_fn);
}

bool is_leaf(const Tensor& x) {
  const Meta* meta = find_meta(x);
  return !meta || !meta->grad_fn;
}

std::shared_ptr<Node> node_of(const Tensor& x) {
  if (!needs_grad(x)) return nullptr;
  Meta& meta = meta_of(x);
  if (meta.grad_fn) return meta.grad_fn;
  static std::mutex mutex;  // several threads may record with one parameter
  const std::lock_guard lock(mutex);
  auto node = meta.leaf_node.lock();
  if (!node) {
    node = std::make_shared<Node>("leaf");
    node->sequence = 0;  // processed last
    node->module = "";   // it belongs to no operation
    node->leaf = x;
    node->shape = x.shape();
    node->dtype = x.dtype();
    meta.leaf_node = node;
  }
  return node;
}

namespace {

/// The part of `record` for reverse mode. Inlined: it runs for every operation.
[[gnu::always_inline]] inline Tensor attach(const char* name, Tensor&& out, const std::vector<Tensor>& inputs,
                                            const Save& save, Rule&& rule,
                                            const std::function<Rematerialization()>& recompute) {
  if (!grad_enabled()) return mark_graph_break(GraphBreakReason::no_grad, name, std::move(out), inputs);
  bool any = false;
  for (const Tensor& x : inputs) any = any || needs_grad(x);
  if (!any) return inherit_graph_breaks(std::move(out), inputs);
  if (collecting.load(std::memory_order_relaxed)) {
    std::lock_guard lock(op_names().mutex);
    op_names().names.insert(name);
  }
  // A kernel may return an input itself (nothing to do); the result still is a variable of its own.
  if (needs_grad(out)) out = views::alias(out);
  auto node = std::make_shared<Node>(name);
  node->rule = std::move(rule);
  node->shape = out.shape();
  node->dtype = gradient_dtype(out.dtype());
  node->next.reserve(inputs.size());
  if (save.any_input()) node->inputs.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& x = inputs[i];
    node->next.push_back(node_of(x));
    if (!save.input(i)) continue;
    const Node* producer = node->next[i].get();
    const bool again = producer && producer->recompute && producer->shape == x.shape() && producer->recompute->makes(x);
    node->inputs[i] = again ? Saved(producer->recompute) : Saved(x);
  }
  if (save.output()) node->output = Saved(views::alias(out));
  if (recompute) {
    Rematerialization how = recompute();
    how.result = out.storage();
    how.version = out.version();
    node->recompute = std::make_shared<const Rematerialization>(std::move(how));
  }
  node->graph_breaks = graph_breaks_of(inputs);
  Meta& meta = meta_of(out);
  meta.graph_breaks = nullptr;  // it may have been computed while recording was off
  meta.grad_fn = std::move(node);
  return std::move(out);
}

/// The part for forward mode, when some tangent is defined.
[[gnu::noinline]] Tensor attach_with_tangent(const char* name, Tensor out, const std::vector<Tensor>& inputs,
                                             const std::vector<Tensor>& tangents, const Save& save, Rule&& rule,
                                             const TangentRule& tangent_rule,
                                             const std::function<Rematerialization()>& recompute) {
  check<AutogradError>(bool(tangent_rule), "[", name,
                       "] has no tangent rule, and an input has a tangent: pass one to "
                       "record() (autograd/rule.h)");
  const DualOptions& options = active_level()->options;
  const Rule backward_rule = rule;
  out = views::alias(out);  // a kernel may have returned an input
  if (options.save_tangents) {
    // What is computed again has no tangents, so the inputs themselves are saved.
    out = attach(name, Tensor(out), inputs, save, std::move(rule), nullptr);
  } else {
    std::vector<Tensor> primals;
    for (size_t i = 0; i < inputs.size(); ++i)
      primals.push_back(tangents[i].defined() ? without_tangent(inputs[i]) : inputs[i]);
    out = attach(name, Tensor(out), primals, save, std::move(rule), recompute);
  }
  Tensor tangent;
  {
    const WorkScope scope({name, WorkKind::tangent, current_module_path(), &out.shape()});
    const RuleScope running;
    const NoLevel primal;
    const RecordingScope recording(grad_enabled() && options.record_tangents);
    tangent = tangent_rule(Tangents(name, inputs, tangents, out, backward_rule));
    if (tangent.defined()) tangent = expand(tangent, out.shape());
  }
  if (!tangent.defined()) return out;
  check<DTypeError>(tangent.dtype() == out.dtype(), "[", name, "] the tangent has dtype ", tangent.dtype(),
                    ", the output ", out.dtype());
  if (observed())
    notify([&](Observer& o) { o.on_tangent({name, WorkKind::tangent, current_module_path()}, tangent, tangents); });
  set_tangent(out, tangent);
  if (const Node* node = find_meta(out)->grad_fn.get(); node && node->output.tensor.defined() && options.save_tangents)
    set_tangent(node->output.tensor, tangent);
  return out;
}

/// The inputs' tangents; empty if none has one.
std::vector<Tensor> tangents_of(const std::vector<Tensor>& inputs) {
  std::vector<Tensor> tangents(inputs.size());
  bool any = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    tangents[i] = tangent_of(inputs[i]);
    any = any || tangents[i].defined();
  }
  if (!any) tangents.clear();
  return tangents;
}

}  // namespace

Tensor record(const char* name, Tensor out, std::vector<Tensor> inputs, const Save& save, Rule rule,
              const TangentRule& tangent, const std::function<Rematerialization()>& recompute) {
  if (observed())
    notify([&](Observer& o) { o.on_result({name, WorkKind::forward, current_module_path()}, out, inputs); });
  if (active_level()) [[unlikely]] {
    if (const std::vector<Tensor> tangents = tangents_of(inputs); !tangents.empty())
      return attach_with_tangent(name, std::move(out), inputs, tangents, save, std::move(rule), tangent, recompute);
  }
  return attach(name, std::move(out), inputs, save, std::move(rule), recompute);
}

Tensor not_differentiable(const char* name, Tensor out, const std::vector<Tensor>& inputs) {
  return mark_graph_break(GraphBreakReason::not_continuous, name, std::move(out), inputs);
}

Grads differentiate(const Backward& d, const Composite& f) {
  const bool recorded = grad_enabled();  // if not, forward mode follows the gradients
  const RecordingScope recording(true);
  // Identity nodes in front of the inputs: the inner grad() stops there, while its result stays connected to them.
  std::vector<Tensor> inputs(d.input_count()), wanted;
  for (size_t i = 0; i < inputs.size(); ++i) {
    inputs[i] = d.input(i);
    if (!d.needs(i)) continue;
    inputs[i] = record("identity", views::alias(inputs[i]), {inputs[i]}, save_nothing,
                       each([](const Backward& b) { return b.grad(); }), [](const Tangents& t) { return t[0]; });
    wanted.push_back(inputs[i]);
  }
  const auto found = grad({f(inputs)}, wanted, {d.grad()}, {.create_graph = recorded});
  Grads grads(inputs.size());
  size_t k = 0;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (d.needs(i)) grads[i] = found[k++];
  return grads;
}

Tensor differentiate(const Tangents& d, const Composite& f) {
  const DualLevel level;
  std::vector<Tensor> inputs(d.input_count());
  for (size_t i = 0; i < inputs.size(); ++i) inputs[i] = d[i].defined() ? make_dual(d.input(i), d[i]) : d.input(i);
  return tangent_of(f(inputs));
}

void register_hook(const Tensor& x, Hook hook) {
  check<AutogradError>(needs_grad(x), "[register_hook] the tensor of shape ", x.shape(), " needs no gradient");
  Meta& meta = meta_of(x);
  (meta.grad_fn ? meta.grad_fn->hooks : meta.leaf_hooks).push_back(std::move(hook));
}

void retain_grad(const Tensor& x) {
  check<AutogradError>(needs_grad(x), "[retain_grad] the tensor of shape ", x.shape(), " needs no gradient");
  if (is_leaf(x)) return;
  register_hook(x, [weak = x.weak()](const Tensor& grad) -> Tensor {
    if (auto impl = weak.lock()) {
      const Tensor tensor = Tensor::from_impl(std::move(impl)), so_far = tensor.grad();
      tensor.set_grad(so_far.defined() ? so_far + grad : grad);
    }
    return {};
  });
}

void collect_op_names(bool on) { collecting = on; }

std::vector<std::string> collected_op_names() {
  std::lock_guard lock(op_names().mutex);
  return {op_names().names.begin(), op_names().names.end()};
}

int64_t live_nodes() { return node_count; }

}  // namespace ditharos
