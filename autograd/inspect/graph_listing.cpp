#include <ditharos/autograd/inspect/graph_listing.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace ditharos {
namespace {

using NodePtr = std::shared_ptr<Node>;

std::vector<NodePtr> operations_behind(const NodePtr& root) {
  std::vector<NodePtr> found{root};
  NodeSet seen{root.get()};
  for (size_t i = 0; i < found.size(); ++i)
    for (size_t k = 0; k < found[i]->next.size(); ++k)  // found[i] moves when found grows
      if (NodePtr producer = found[i]->next[k];
          producer && !producer->leaf.defined() && seen.insert(producer.get()).second)
        found.push_back(std::move(producer));
  if (root->leaf.defined()) found.clear();
  std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return a->sequence < b->sequence; });
  return found;
}

void add_kept(std::vector<KeptTensor>& kept, const Saved& saved, const std::string& what) {
  if (saved.tensor.defined()) kept.push_back({what, saved.tensor, false, false});
  if (!saved.recompute) return;
  for (const Saved& source : saved.recompute->inputs) add_kept(kept, source, what + ", computed again from");
}

std::vector<KeptTensor> kept_by(const Node& node) {
  std::vector<KeptTensor> kept;
  for (size_t i = 0; i < node.inputs.size(); ++i) add_kept(kept, node.inputs[i], "input " + std::to_string(i));
  add_kept(kept, node.output, "output");
  return kept;
}

}  // namespace

std::vector<ListedNode> list_graph(const char* op, const Tensor& loss, const TensorNames& names) {
  check<AutogradError>(loss.defined(), "[", op, "] the loss is undefined");
  check<AutogradError>(needs_grad(loss), "[", op, "] the loss of shape ", loss.shape(),
                       " has no graph: it does not depend on anything that needs a gradient, or was computed under "
                       "NoGrad (explain_grad says which)");
  std::unordered_map<const TensorImpl*, std::string> name_of;
  for (const auto& [name, tensor] : names)
    if (tensor.defined()) name_of.emplace(tensor.impl(), name);

  const NodePtr root = node_of(loss);
  const std::vector<NodePtr> operations = operations_behind(root);
  std::vector<NodePtr> all;
  NodeSet seen;
  if (root->leaf.defined()) all.push_back(root);
  for (const NodePtr& node : operations)
    for (const NodePtr& producer : node->next)
      if (producer && producer->leaf.defined() && seen.insert(producer.get()).second) all.push_back(producer);
  all.insert(all.end(), operations.begin(), operations.end());

  std::unordered_map<const Node*, int> place;
  std::unordered_set<const Storage*> parameters, counted;
  std::vector<ListedNode> list;
  for (const NodePtr& node : all) {
    place.emplace(node.get(), int(list.size()));
    ListedNode entry;
    entry.node = node;
    entry.kept = kept_by(*node);
    if (node->leaf.defined()) {
      parameters.insert(node->leaf.storage().get());
      if (const auto found = name_of.find(node->leaf.impl()); found != name_of.end()) entry.name = found->second;
    }
    for (const NodePtr& producer : node->next) entry.inputs.push_back(producer ? place.at(producer.get()) : -1);
    for (KeptTensor& kept : entry.kept) {
      kept.parameter = parameters.contains(kept.tensor.storage().get());
      kept.counted = counted.insert(kept.tensor.storage().get()).second;
      entry.own_bytes += kept.own_bytes();
    }
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace ditharos
