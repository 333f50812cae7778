#include <ditharos/autograd/inspect/html.h>

#include <cmath>
#include <unordered_map>

#include <ditharos/autograd/engine.h>
#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/inspect/formulas.h>
#include <ditharos/autograd/inspect/graph_layout.h>
#include <ditharos/autograd/inspect/graph_listing.h>
#include <ditharos/autograd/inspect/html_template.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/io/file.h>
#include <ditharos/tensor/io/html_text.h>
#include <ditharos/tensor/io/number_text.h>
#include <ditharos/tensor/observer.h>

namespace ditharos {
namespace {

constexpr size_t most_nodes = 4000;
constexpr int64_t most_values = 64;
constexpr double box_width = 156, box_height = 44, gap = 18;

std::string short_number(double x) { return general_text(x, 4); }

/// Shape, dtype and what there is to see of the elements, as the inside of a JSON object.
std::string describe(const Tensor& x) {
  std::string text = "\"shape\":[";
  for (int i = 0; i < x.rank(); ++i) text += (i > 0 ? "," : "") + std::to_string(x.size(i));
  text += "],\"dtype\":" + script_string(to_text(x.dtype()));
  if (x.numel() == 0) return text;
  if (x.numel() <= most_values) {
    text += ",\"values\":[";
    const auto values = x.to_vector<double>();
    for (size_t i = 0; i < values.size(); ++i) text += (i > 0 ? "," : "") + script_string(short_number(values[i]));
    return text + "]";
  }
  if (!is_floating(x.dtype())) return text;
  const NoGrad off;
  const Tensor wide = to(x.detach(), DType::f64);
  return text + ",\"norm\":" + script_string(short_number(std::sqrt(sum(square(wide)).item()))) +
         ",\"largest\":" + script_string(short_number(amax(abs(wide)).item()));
}

/// What the backward pass did at each node, as JSON.
class Recording : public Observer {
 public:
  struct Entry {
    std::string grad, out;
  };
  void on_gradient(const Node& node, const Tensor& grad) override { entries[&node].grad = "{" + describe(grad) + "}"; }
  void on_input_gradient(const Node& node, size_t input, const Tensor& grad) override {
    std::string& out = entries[&node].out;
    out += (out.empty() ? "" : ",") + ("{\"input\":" + std::to_string(input)) + "," + describe(grad) + "}";
  }
  std::unordered_map<const Node*, Entry> entries;
};

std::string describe_kept(const ListedNode& entry) {
  std::string text;
  for (const KeptTensor& kept : entry.kept)
    text += (text.empty() ? "" : ",") + ("{\"what\":" + script_string(kept.what)) +
            ",\"bytes\":" + std::to_string(kept.own_bytes()) + ",\"parameter\":" + (kept.parameter ? "true" : "false") +
            "," + describe(kept.tensor) + "}";
  return text;
}

std::string integers(const std::vector<int>& list) {
  std::string text;
  for (int i : list) text += (text.empty() ? "" : ",") + std::to_string(i);
  return text;
}

std::string coordinate(double x) { return std::to_string(int64_t(x)); }
std::string coordinates(const Point& p) { return coordinate(p.x) + "," + coordinate(p.y); }

std::string describe_node(const ListedNode& entry, const Recording::Entry& seen, const Point& place) {
  const Node& node = *entry.node;
  const OpFormula formula = formula_of(node.name);
  return "{\"op\":" + script_string(node.name) + ",\"leaf\":" + (node.leaf.defined() ? "true" : "false") +
         ",\"name\":" + script_string(entry.name) + ",\"module\":" + script_string(node.module) +
         ",\"forward\":" + script_string(formula.forward) + ",\"backward\":" + script_string(formula.backward) +
         ",\"at\":[" + coordinates(place) + "],\"inputs\":[" + integers(entry.inputs) +
         "],\"shape\":" + script_string(to_text(node.shape)) +
         (node.leaf.defined() ? ",\"value\":{" + describe(node.leaf) + "}" : "") + ",\"saved\":[" +
         describe_kept(entry) + "],\"bytes\":" + std::to_string(entry.own_bytes) +
         ",\"grad\":" + (seen.grad.empty() ? "null" : seen.grad) + ",\"out\":[" + seen.out + "]}";
}

}  // namespace

std::string html_page(const Tensor& loss, const TensorNames& names) {
  const std::vector<ListedNode> graph = list_graph("to_html", loss, names);
  check<AutogradError>(graph.size() <= most_nodes, "[to_html] the graph has ", graph.size(),
                       " nodes; a page with more than ", most_nodes,
                       " cannot be read: draw a smaller model or a single block");
  std::vector<std::vector<int>> inputs;
  for (const ListedNode& entry : graph) {
    check<AutogradError>(entry.node->leaf.defined() || entry.node->rule,
                         "[to_html] the graph was freed by a backward "
                         "pass; write the page before, or pass retain_graph = true");
    inputs.push_back(entry.inputs);
  }
  const GraphLayout layout = lay_out(inputs, box_width, box_height, gap);
  Recording recording;
  {
    const ObserverScope listening(recording);
    trace_backward("to_html", loss, ones(loss.shape(), loss.dtype()));
  }

  std::string text = "{\"width\":" + coordinate(layout.width) + ",\"height\":" + coordinate(layout.height) +
                     ",\"box\":[" + short_number(box_width) + "," + short_number(box_height) + "],\"nodes\":[";
  for (size_t i = 0; i < graph.size(); ++i)
    text += (i > 0 ? ",\n" : "\n") + describe_node(graph[i], recording.entries[graph[i].node.get()], layout.nodes[i]);
  text += "],\n\"edges\":[";
  for (size_t i = 0; i < layout.edges.size(); ++i) {
    const DrawnEdge& edge = layout.edges[i];
    text += (i > 0 ? "," : "") + ("[" + std::to_string(edge.from)) + "," + std::to_string(edge.to) + ",[";
    for (size_t k = 0; k < edge.points.size(); ++k) text += (k > 0 ? "," : "") + coordinates(edge.points[k]);
    text += "]]";
  }
  return fill_template(text + "]}");
}

void to_html(const Tensor& loss, const std::string& file, const TensorNames& names) {
  const std::string page = html_page(loss, names);
  AtomicFile out(file);
  out.write(page.data(), page.size());
  out.commit();
}

}  // namespace ditharos
