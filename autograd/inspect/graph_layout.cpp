#include <ditharos/autograd/inspect/graph_layout.h>

#include <algorithm>
#include <cmath>

namespace ditharos {
namespace {

/// A node, or a place where a line crosses a layer.
struct Vertex {
  int layer;
  bool box;
  double x = 0, wanted = 0;
  std::vector<int> up = {}, down = {};  // neighbours in the layers next to its own
};

class Drawing {
 public:
  Drawing(const std::vector<std::vector<int>>& inputs, double box_width, double gap)
      : box_width_(box_width), gap_(gap) {
    place_in_layers(inputs);
    connect(inputs);
    for (int i = 0; i < int(vertices.size()); ++i) {
      layers_.resize(std::max(layers_.size(), size_t(vertices[at(i)].layer) + 1));
      layers_[at(vertices[at(i)].layer)].push_back(i);
    }
    for (int sweep = 0; sweep < 12; ++sweep) order(sweep % 2 == 0);
    for (auto& layer : layers_) pack(layer);
    for (int sweep = 0; sweep < 60; ++sweep) straighten(sweep % 2 == 0);
  }

  std::vector<Vertex> vertices;
  std::vector<std::vector<int>> lines;  // vertices of each edge, from input to user

 private:
  static size_t at(int i) { return size_t(i); }

  /// As high as its inputs allow; those without inputs, right above whoever uses them first.
  void place_in_layers(const std::vector<std::vector<int>>& inputs) {
    std::vector<int> lowest(inputs.size(), 0);
    for (const auto& list : inputs) {
      int layer = 0;
      for (int input : list)
        if (input >= 0) layer = std::max(layer, vertices[at(input)].layer + 1);
      vertices.push_back({layer, true});
    }
    std::fill(lowest.begin(), lowest.end(), -1);
    for (size_t i = 0; i < inputs.size(); ++i)
      for (int input : inputs[i])
        if (input >= 0 && (lowest[at(input)] < 0 || vertices[i].layer < lowest[at(input)]))
          lowest[at(input)] = vertices[i].layer;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const bool source = std::all_of(inputs[i].begin(), inputs[i].end(), [](int input) { return input < 0; });
      if (source && lowest[i] > 0) vertices[i].layer = lowest[i] - 1;
    }
  }

  void connect(const std::vector<std::vector<int>>& inputs) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      std::vector<int> distinct = inputs[i];
      std::sort(distinct.begin(), distinct.end());
      distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
      for (int input : distinct) {
        if (input < 0) continue;
        std::vector<int> line{input};
        for (int layer = vertices[at(input)].layer + 1; layer < vertices[i].layer; ++layer) {
          line.push_back(int(vertices.size()));
          vertices.push_back({layer, false});
        }
        line.push_back(int(i));
        for (size_t k = 1; k < line.size(); ++k) {
          vertices[at(line[k - 1])].down.push_back(line[k]);
          vertices[at(line[k])].up.push_back(line[k - 1]);
        }
        lines.push_back(std::move(line));
      }
    }
  }

  /// Each vertex behind the mean place of its neighbours above (or below), which lets lines cross less.
  void order(bool downwards) {
    number_places();
    for (size_t k = 0; k < layers_.size(); ++k) {
      auto& layer = layers_[downwards ? k : layers_.size() - 1 - k];
      for (int v : layer) vertices[at(v)].wanted = mean(downwards ? vertices[at(v)].up : vertices[at(v)].down, v);
      std::stable_sort(layer.begin(), layer.end(),
                       [&](int a, int b) { return vertices[at(a)].wanted < vertices[at(b)].wanted; });
      for (size_t i = 0; i < layer.size(); ++i) vertices[at(layer[i])].x = double(i);
    }
  }

  void number_places() {
    for (const auto& layer : layers_)
      for (size_t i = 0; i < layer.size(); ++i) vertices[at(layer[i])].x = double(i);
  }

  double mean(const std::vector<int>& neighbours, int self) const {
    if (neighbours.empty()) return vertices[at(self)].x;
    double sum = 0;
    for (int v : neighbours) sum += vertices[at(v)].x;
    return sum / double(neighbours.size());
  }

  double distance(int a, int b) const {
    const auto half = [&](int v) { return vertices[at(v)].box ? box_width_ / 2 : 0; };
    return half(a) + half(b) + gap_;
  }

  void pack(const std::vector<int>& layer) {
    double x = 0;
    for (size_t i = 0; i < layer.size(); ++i) {
      if (i > 0) x += distance(layer[i - 1], layer[i]);
      vertices[at(layer[i])].x = x;
    }
  }

  /// Moves each layer's vertices to the means of their neighbours, as near as order and distances allow: least squares
  /// by merging neighbours that would come too close.
  void straighten(bool downwards) {
    for (size_t k = 0; k < layers_.size(); ++k) {
      const auto& layer = layers_[downwards ? k : layers_.size() - 1 - k];
      struct Group {
        double sum, weight;
        size_t count;
        double place() const { return sum / weight; }
      };
      std::vector<Group> groups;
      double offset = 0;
      for (size_t i = 0; i < layer.size(); ++i) {
        if (i > 0) offset += distance(layer[i - 1], layer[i]);
        const Vertex& v = vertices[at(layer[i])];
        std::vector<int> neighbours = v.up;
        neighbours.insert(neighbours.end(), v.down.begin(), v.down.end());
        const double weight = v.box ? 1 : 3;  // long lines first: a bend disturbs more than a box out of the middle
        groups.push_back({(mean(neighbours, layer[i]) - offset) * weight, weight, 1});
        while (groups.size() > 1 && groups[groups.size() - 2].place() > groups.back().place()) {
          const Group last = groups.back();
          groups.pop_back();
          groups.back() = {groups.back().sum + last.sum, groups.back().weight + last.weight,
                           groups.back().count + last.count};
        }
      }
      size_t i = 0;
      offset = 0;
      for (const Group& group : groups)
        for (size_t n = 0; n < group.count; ++n, ++i) {
          if (i > 0) offset += distance(layer[i - 1], layer[i]);
          vertices[at(layer[i])].x = group.place() + offset;
        }
    }
  }

  double box_width_, gap_;
  std::vector<std::vector<int>> layers_;
};

}  // namespace

GraphLayout lay_out(const std::vector<std::vector<int>>& inputs, double box_width, double box_height, double gap) {
  const Drawing drawing(inputs, box_width, gap);
  double left = 0, right = 0;
  int deepest = 0;
  for (const Vertex& v : drawing.vertices) {
    left = std::min(left, v.x);
    right = std::max(right, v.x);
    deepest = std::max(deepest, v.layer);
  }
  const double step = box_height + 2 * gap;
  const auto point = [&](int i) {
    const Vertex& v = drawing.vertices[size_t(i)];
    return Point{std::round(v.x - left + box_width / 2 + gap), std::round(v.layer * step + box_height / 2 + gap)};
  };
  GraphLayout layout{{}, {}, std::round(right - left + box_width + 2 * gap), (deepest + 1) * step};
  for (size_t i = 0; i < inputs.size(); ++i) layout.nodes.push_back(point(int(i)));
  for (const auto& line : drawing.lines) {
    DrawnEdge edge{line.front(), line.back(), {}};
    for (int v : line) edge.points.push_back(point(v));
    layout.edges.push_back(std::move(edge));
  }
  return layout;
}

}  // namespace ditharos
