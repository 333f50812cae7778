#include <ditharos/autograd/graph_break.h>

#include <algorithm>

#include <ditharos/autograd/meta.h>
#include <ditharos/autograd/module_path.h>

namespace ditharos {
namespace {

thread_local bool marking = true;

template <class T>
bool same_object(const std::weak_ptr<T>& a, const std::weak_ptr<T>& b) {
  return !a.owner_before(b) && !b.owner_before(a);
}

bool same_graph_break(const GraphBreak& a, const GraphBreak& b) {
  return a.reason == b.reason && a.op == b.op && a.module == b.module && same_object(a.node, b.node) &&
         same_object(a.leaf, b.leaf);
}

void add(GraphBreaks& graph_breaks, const GraphBreak& graph_break) {
  const auto same = [&](const GraphBreak& other) { return same_graph_break(other, graph_break); };
  if (std::any_of(graph_breaks.list.begin(), graph_breaks.list.end(), same)) return;
  if (graph_breaks.list.size() == GraphBreaks::most) graph_breaks.more = true;
  else graph_breaks.list.push_back(graph_break);
}

/// Shared as long as nothing has to be added: under NoGrad every operation comes by here.
class Collector {
 public:
  void take(const GraphBreaksPtr& graph_breaks) {
    if (!graph_breaks || graph_breaks == shared_) return;
    if (!shared_ && !own_) {
      shared_ = graph_breaks;
      return;
    }
    GraphBreaks& own = mine();
    for (const GraphBreak& graph_break : graph_breaks->list) add(own, graph_break);
    own.more = own.more || graph_breaks->more;
  }
  void take(const GraphBreak& graph_break) { add(mine(), graph_break); }
  GraphBreaksPtr result() const { return own_ ? own_ : shared_; }

 private:
  GraphBreaks& mine() {
    if (!own_) own_ = shared_ ? std::make_shared<GraphBreaks>(*shared_) : std::make_shared<GraphBreaks>();
    return *own_;
  }
  GraphBreaksPtr shared_;
  std::shared_ptr<GraphBreaks> own_;
};

/// An operation may have returned one of its inputs: that one's history is its own.
bool is_new(const Tensor& out, const std::vector<Tensor>& inputs) {
  return out.defined() && !needs_grad(out) &&
         std::none_of(inputs.begin(), inputs.end(), [&](const Tensor& x) { return x.impl() == out.impl(); });
}

}  // namespace

Tensor mark_graph_break(GraphBreakReason reason, const char* op, Tensor out, const std::vector<Tensor>& inputs) {
  if (!marking || !is_new(out, inputs)) return out;
  Collector all;
  for (const Tensor& x : inputs) {
    const Meta* meta = find_meta(x);
    if (!meta) continue;
    if (!needs_grad(x)) {
      all.take(meta->graph_breaks);
      continue;
    }
    GraphBreak graph_break{reason, op, current_module_path(), out.shape(), out.dtype(), meta->grad_fn, {}};
    if (!meta->grad_fn) graph_break.leaf = x.weak();
    all.take(graph_break);
  }
  if (const GraphBreaksPtr found = all.result()) meta_of(out).graph_breaks = found;
  return out;
}

Tensor inherit_graph_breaks(Tensor out, const std::vector<Tensor>& inputs) {
  if (!marking || !is_new(out, inputs)) return out;
  if (const GraphBreaksPtr found = graph_breaks_of(inputs)) meta_of(out).graph_breaks = found;
  return out;
}

GraphBreaksPtr graph_breaks_of(const std::vector<Tensor>& inputs) {
  Collector all;
  for (const Tensor& x : inputs)
    if (const Meta* meta = find_meta(x); meta && !needs_grad(x)) all.take(meta->graph_breaks);
  return all.result();
}

NoGraphBreakMarks::NoGraphBreakMarks() : before_(marking) { marking = false; }
NoGraphBreakMarks::~NoGraphBreakMarks() { marking = before_; }

}  // namespace ditharos
