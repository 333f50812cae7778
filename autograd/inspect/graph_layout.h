#pragma once
// Internal to autograd/inspect/.
// Places for the boxes and lines of a drawn graph: layers from top to bottom, as in Sugiyama, Tagawa and Toda 1981,
// "Methods for visual understanding of hierarchical system structures".
#include <vector>

namespace ditharos {

struct Point {
  double x, y;
};

struct DrawnEdge {
  int from, to;               // a node and one that uses it
  std::vector<Point> points;  // centres, from one to the other, one in each layer that the line crosses
};

struct GraphLayout {
  std::vector<Point> nodes;  // centres
  std::vector<DrawnEdge> edges;
  double width, height;
};

/// Nodes in topological order: inputs[i] lists nodes before i; -1 and repetitions are passed over. Boxes measure
/// box_width by box_height and lie `gap` apart or more; lines between layers pass boxes by. The same graph gives the
/// same picture.
GraphLayout lay_out(const std::vector<std::vector<int>>& inputs, double box_width, double box_height, double gap);

}  // namespace ditharos
