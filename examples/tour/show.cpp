#include "examples/tour/show.h"

#include <algorithm>
#include <cstdio>
#include <unordered_set>

#include <ditharos/tensor/io/number_text.h>

namespace ditharos::tour {
namespace {

std::string number(double value) {
  const std::string digits = fixed_text(value, 3);
  return digits == "-0.000" ? "0.000" : digits;
}

std::string nested(const std::vector<double>& values, const Shape& shape, int axis, size_t& next) {
  if (axis == shape.rank()) return number(values[next++]);
  std::string line = "[";
  for (int64_t i = 0; i < shape[axis]; ++i) line += (i ? ", " : "") + nested(values, shape, axis + 1, next);
  return line + "]";
}

}  // namespace

Tensor variable(const std::vector<double>& values, const Shape& shape) {
  return from_vector(values, shape).set_requires_grad();
}

Tensor variable(double value) { return scalar(value, DType::f64).set_requires_grad(); }

Tensor random(const Shape& shape, uint64_t seed) { return Generator(seed).normal(shape, DType::f64); }

std::string text(const Tensor& x) {
  size_t next = 0;
  return nested(x.to_vector<double>(), x.shape(), 0, next);
}

double difference(const Tensor& a, const Tensor& b) {
  check<ShapeError>(a.shape() == b.shape(), "[difference] the shapes are ", a.shape(), " and ", b.shape());
  const auto left = a.to_vector<double>(), right = b.to_vector<double>();
  double largest = 0;
  for (size_t i = 0; i < left.size(); ++i) largest = std::max(largest, std::abs(left[i] - right[i]));
  return largest;
}

const char* yes_or_no(bool yes) { return yes ? "yes" : "no"; }

std::vector<std::shared_ptr<Node>> nodes_of(const Tensor& result) {
  std::vector<std::shared_ptr<Node>> nodes{node_of(result)};
  std::unordered_set<const Node*> seen{nodes[0].get()};
  for (size_t i = 0; i < nodes.size(); ++i)
    for (size_t k = 0; k < nodes[i]->next.size(); ++k)
      if (const auto producer = nodes[i]->next[k]; producer && seen.insert(producer.get()).second)
        nodes.push_back(producer);
  std::stable_sort(nodes.begin(), nodes.end(), [](auto& a, auto& b) { return a->sequence > b->sequence; });
  return nodes;
}

std::string names(const Tensor& result) {
  std::vector<std::pair<std::string, int>> counts;  // in the order of first appearance
  for (const auto& node : nodes_of(result)) {
    const auto known = std::find_if(counts.begin(), counts.end(), [&](auto& c) { return c.first == node->name; });
    if (known == counts.end()) counts.emplace_back(node->name, 1);
    else ++known->second;
  }
  std::string line;
  for (const auto& [name, count] : counts)
    line += (line.empty() ? "" : " ") + name + (count > 1 ? " x" + std::to_string(count) : "");
  return line;
}

}  // namespace ditharos::tour
