#include <ditharos/autograd/inspect/inspect.h>

#include <algorithm>
#include <map>

#include <ditharos/autograd/inspect/graph_listing.h>
#include <ditharos/tensor/io/text_table.h>

namespace ditharos {
namespace {

std::string title(const ListedNode& entry) {
  if (!entry.node->leaf.defined()) return entry.node->name;
  return entry.name.empty() ? "leaf" : "leaf " + entry.name;
}

std::string numbers(const std::vector<int>& inputs) {
  std::string text;
  for (int i : inputs) text += (text.empty() ? "" : " ") + (i < 0 ? std::string("-") : std::to_string(i));
  return text;
}

/// `text` between the quotation marks of Graphviz.
std::string dot_quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else if (static_cast<unsigned char>(c) >= ' ') out += c;
  }
  return out + "\"";
}

}  // namespace

std::string print_graph(const Tensor& loss, const TensorNames& names) {
  const std::vector<ListedNode> graph = list_graph("print_graph", loss, names);
  std::vector<std::vector<std::string>> rows{{"#", "operation", "shape", "inputs", "saved bytes", "module"}, {}};
  int64_t operations = 0, bytes = 0;
  for (size_t i = 0; i < graph.size(); ++i) {
    const ListedNode& entry = graph[i];
    const bool leaf = entry.node->leaf.defined();
    rows.push_back({std::to_string(i), title(entry), to_text(entry.node->shape), numbers(entry.inputs),
                    leaf ? "" : std::to_string(entry.own_bytes), entry.node->module});
    operations += !leaf;
    bytes += entry.own_bytes;
  }
  return text_table(rows, {true, false, false, false, true, false}) + std::to_string(operations) + " operations, " +
         std::to_string(int64_t(graph.size()) - operations) + " leaves, " + std::to_string(bytes) +
         " bytes saved for the backward pass\n";
}

std::string to_dot(const Tensor& loss, const TensorNames& names) {
  const std::vector<ListedNode> graph = list_graph("to_dot", loss, names);
  std::string text = "digraph autograd {\n  node [fontname=\"Helvetica\", fontsize=11];\n";
  for (size_t i = 0; i < graph.size(); ++i) {
    const Node& node = *graph[i].node;
    std::string label = title(graph[i]) + "\n" + to_text(node.shape);
    if (*node.module) label += std::string("\n") + node.module;
    if (graph[i].own_bytes > 0) label += "\nsaves " + std::to_string(graph[i].own_bytes) + " bytes";
    text += "  n" + std::to_string(i) + " [label=" + dot_quoted(label) +
            (node.leaf.defined() ? ", shape=box, style=filled, fillcolor=\"#dbeafe\"" : "") + "];\n";
    for (int input : graph[i].inputs)
      if (input >= 0) text += "  n" + std::to_string(input) + " -> n" + std::to_string(i) + ";\n";
  }
  return text + "}\n";
}

std::vector<SavedBytes> saved_bytes_by_op(const Tensor& loss) {
  std::map<std::string, SavedBytes> by_op;
  for (const ListedNode& entry : list_graph("saved_bytes_by_op", loss, {})) {
    if (entry.node->leaf.defined()) continue;
    SavedBytes& sum = by_op.try_emplace(entry.node->name, SavedBytes{entry.node->name, 0, 0, 0}).first->second;
    ++sum.count;
    sum.bytes += entry.own_bytes;
    for (const KeptTensor& kept : entry.kept)
      if (kept.counted && kept.parameter) sum.parameter_bytes += kept.bytes();
  }
  std::vector<SavedBytes> list;
  for (auto& [name, sum] : by_op) list.push_back(std::move(sum));
  std::stable_sort(list.begin(), list.end(), [](auto& a, auto& b) { return a.bytes > b.bytes; });
  return list;
}

void for_each_saved(const Tensor& loss, const std::function<void(const Node& operation, int64_t bytes)>& f) {
  for (const ListedNode& entry : list_graph("for_each_saved", loss, {}))
    if (!entry.node->leaf.defined()) f(*entry.node, entry.own_bytes);
}

}  // namespace ditharos
