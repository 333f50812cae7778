#pragma once
// Internal to autograd/inspect/.
// The layout of a drawn graph: layers from top to bottom, as in Sugiyama, Tagawa and Toda 1981, "Methods for visual
// understanding of hierarchical system structures".
#include <vector>

namespace ditharos {

struct Point {
  double x, y;
};

struct DrawnEdge {
  int from, to;               // a node and one that uses it
  std::vector<Point> points;  // centres, from `from` to `to`, one in each layer that the line crosses
};

struct GraphLayout {
  std::vector<Point> nodes;  // centres
  std::vector<DrawnEdge> edges;
  double width, height;
};

/// Nodes are in topological order: inputs[i] lists nodes before i; -1 and repetitions are ignored. Boxes measure
/// box_width by box_height and are at least `gap` apart. Lines between layers do not cross boxes. The layout depends on
/// the arguments alone.
GraphLayout lay_out(const std::vector<std::vector<int>>& inputs, double box_width, double box_height, double gap);

}  // namespace ditharos
