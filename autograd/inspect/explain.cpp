#include <ditharos/autograd/inspect/explain.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

#include <ditharos/autograd/graph_break.h>
#include <ditharos/autograd/meta.h>
#include <ditharos/autograd/node.h>
#include <ditharos/tensor/io/text_table.h>

namespace ditharos {
namespace {

using Path = std::vector<const Node*>;  // from x to what was computed from it
using Rows = std::vector<std::vector<std::string>>;

/// Everything that a gradient from `root` reaches, nearest first, each with the node that the gradient comes from.
struct Reach {
  explicit Reach(const Node* root) : nodes{root}, from{{root, nullptr}} {
    for (size_t i = 0; i < nodes.size(); ++i) {
      const Node* node = nodes[i];
      for (const auto& producer : node->next)
        if (producer && from.emplace(producer.get(), node).second) nodes.push_back(producer.get());
    }
  }
  bool has(const Node* node) const { return from.contains(node); }
  /// The shortest path from `node` to the root, both included.
  Path path_from(const Node* node) const {
    Path path;
    for (; node; node = from.at(node)) path.push_back(node);
    return path;
  }

  std::vector<const Node*> nodes;
  std::unordered_map<const Node*, const Node*> from;
};

std::string in_module(const char* module) { return *module ? std::string("in ") + module : std::string(); }

void add_path(Rows& rows, const Path& path) {
  for (const Node* node : path)
    rows.push_back({"  " + std::string(node->name), to_text(node->shape), in_module(node->module)});
}

std::string reason_of(const GraphBreak& graph_break) {
  switch (graph_break.reason) {
    case GraphBreakReason::detach: return "detach() gives the elements outside every graph";
    case GraphBreakReason::no_grad: return std::string(graph_break.op) + " ran while recording was off (NoGrad)";
    case GraphBreakReason::not_continuous:
      return std::string(graph_break.op) + " gives " +
             (graph_break.dtype == DType::boolean ? "booleans" : "whole numbers") + ", which have no derivative";
  }
  return "";
}

std::string list_of(const std::vector<GraphBreak>& graph_breaks) {
  std::string text;
  for (const GraphBreak& graph_break : graph_breaks)
    text +=
        "X " + std::string(graph_break.op) + " " + to_text(graph_break.shape) + ": " + reason_of(graph_break) + ".\n";
  return text;
}

/// The node at which the history ended, if that part of the graph still lives.
std::shared_ptr<Node> origin_of(const GraphBreak& graph_break) {
  if (auto node = graph_break.node.lock()) return node;
  const auto impl = graph_break.leaf.lock();
  return impl ? node_of(Tensor::from_impl(impl)) : nullptr;
}

/// A mark and the node in the loss's graph that uses the marked value; null: the loss itself is marked.
struct FoundBreak {
  GraphBreak graph_break;
  const Node* user;
};

/// Why the ways from x to the loss that are not in the graph carry no gradient.
struct Search {
  std::vector<FoundBreak> through;  // graph breaks with x behind them
  std::vector<GraphBreak> gone;     // graph breaks of graphs that no longer exist
  bool more = false;                // marks that found no room
};

Search search_graph_breaks(const Tensor& loss, const Reach* reach, const Node* target) {
  Search search;
  std::set<std::tuple<const Node*, const char*, GraphBreakReason>> told;  // a value used twice left the graph once
  std::unordered_map<const Node*, bool> leads;
  std::vector<std::shared_ptr<Node>> kept;  // so that no address is used twice
  const auto take = [&](const GraphBreaksPtr& graph_breaks, const Node* user) {
    if (!graph_breaks) return;
    search.more = search.more || graph_breaks->more;
    for (const GraphBreak& graph_break : graph_breaks->list) {
      const auto origin = origin_of(graph_break);
      if (!origin) {
        if (search.gone.size() < GraphBreaks::most) search.gone.push_back(graph_break);
        continue;
      }
      kept.push_back(origin);
      const auto [entry, fresh] = leads.try_emplace(origin.get());
      if (fresh) entry->second = Reach(origin.get()).has(target);
      if (entry->second && told.emplace(origin.get(), graph_break.op, graph_break.reason).second)
        search.through.push_back({graph_break, user});
    }
  };
  if (const Meta* meta = find_meta(loss); meta && !reach) take(meta->graph_breaks, nullptr);
  if (reach)
    for (const Node* node : reach->nodes) take(node->graph_breaks, node);
  return search;
}

std::string describe_graph_break(const FoundBreak& found, const Reach* reach, const Node* target) {
  Rows rows;
  const auto origin = origin_of(found.graph_break);
  add_path(rows, Reach(origin.get()).path_from(target));
  rows.push_back({"X " + std::string(found.graph_break.op), to_text(found.graph_break.shape),
                  in_module(found.graph_break.module)});
  if (found.user) {
    add_path(rows, reach->path_from(found.user));
    rows.back().back() += rows.back().back().empty() ? "the loss" : "; the loss";
  }
  return text_table(rows, {}) + "The gradient stops at X: " + reason_of(found.graph_break) + ".\n";
}

std::string of_shape(const char* what, const Tensor& x) { return what + (" " + to_text(x.shape())); }

std::string explain_path(const Tensor& loss, const Tensor& x, const Reach& reach, const Node* target) {
  const Path path = reach.path_from(target);
  Rows rows;
  add_path(rows, path);
  rows.front().back() += rows.front().back().empty() ? "x" : "; x";
  if (path.size() > 1) rows.back().back() += rows.back().back().empty() ? "the loss" : "; the loss";
  std::string text = "A gradient flows from " + of_shape("the loss", loss) + " to " + of_shape("x", x) +
                     ". The shortest path has " + std::to_string(path.size() - 1) +
                     (path.size() == 2 ? " step:\n" : " steps:\n") + text_table(rows, {});
  for (const FoundBreak& found : search_graph_breaks(loss, &reach, target).through)
    text += "Another way from x to the loss carries no gradient:\n" + describe_graph_break(found, &reach, target);
  return text;
}

/// x needs no gradient, so no operation recorded that it was used.
std::string explain_constant(const Tensor& loss, const Tensor& x) {
  std::string text = "No gradient flows from " + of_shape("the loss", loss) + " to " + of_shape("x", x) +
                     ": x needs none, so its use was not recorded.\n";
  const Meta* meta = find_meta(x);
  if (meta && meta->graph_breaks)
    return text + "x was cut from the graph when it was computed:\n" + list_of(meta->graph_breaks->list);
  if (x.dtype() != DType::f32 && x.dtype() != DType::f64)
    return text + "Its dtype is " + to_text(x.dtype()) + "; only f32 and f64 tensors have gradients.\n";
  return text +
         "It is a leaf, or was computed from such tensors alone, for which set_requires_grad() was not called "
         "before they were used.\n";
}

std::string explain_unused(const Tensor& loss, const Tensor& x, const Reach* reach, const Search& search) {
  std::string text = "No gradient flows from " + of_shape("the loss", loss) + " to " + of_shape("x", x) +
                     ": the loss does not use x in any way that was recorded.\n";
  if (reach) {
    const auto leaves =
        std::count_if(reach->nodes.begin(), reach->nodes.end(), [](const Node* node) { return node->leaf.defined(); });
    text += "Its graph has " + std::to_string(std::ptrdiff_t(reach->nodes.size()) - leaves) + " operations and " +
            std::to_string(leaves) + " leaves; x is not among them.\n";
  } else {
    text += "The loss has no graph at all.\n";
  }
  if (!search.gone.empty())
    text += "It uses values that were cut off from graphs which are gone; if x was used there, this is why:\n" +
            list_of(search.gone);
  if (search.more)
    text += "It uses more values that were cut off than marks are kept of; x may be behind one of them.\n";
  return text + "Elements that were read (data, item, to_vector) and put into a new tensor leave no mark.\n";
}

}  // namespace

std::string explain_grad(const Tensor& loss, const Tensor& x) {
  check<AutogradError>(loss.defined(), "[explain_grad] the loss is undefined");
  check<AutogradError>(x.defined(), "[explain_grad] x is undefined");
  const auto target = node_of(x);
  if (!target) return explain_constant(loss, x);
  const auto root = node_of(loss);
  const std::unique_ptr<Reach> reach = root ? std::make_unique<Reach>(root.get()) : nullptr;
  if (reach && reach->has(target.get())) return explain_path(loss, x, *reach, target.get());
  const Search search = search_graph_breaks(loss, reach.get(), target.get());
  if (search.through.empty()) return explain_unused(loss, x, reach.get(), search);
  std::string text = "No gradient flows from " + of_shape("the loss", loss) + " to " + of_shape("x", x) + ".\n";
  for (const FoundBreak& found : search.through) text += describe_graph_break(found, reach.get(), target.get());
  return text;
}

}  // namespace ditharos
