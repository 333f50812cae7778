#pragma once
// Functions that the steps of the tour share: tensors from numbers, numbers as text, and a recorded graph as a list.
#include <memory>
#include <string>
#include <vector>

#include <ditharos/ditharos.h>

namespace ditharos::tour {

/// A leaf in f64 that collects a gradient.
Tensor variable(const std::vector<double>& values, const Shape& shape);
Tensor variable(double value);
/// Random numbers in f64, the same for one seed everywhere.
Tensor random(const Shape& shape, uint64_t seed);

/// "6.000" or "[1.000, 2.000]" or "[[1.000], [2.000]]". Three decimals hide last bits that differ between processors.
std::string text(const Tensor& x);
/// Largest difference between two tensors of one shape.
double difference(const Tensor& a, const Tensor& b);
const char* yes_or_no(bool yes);

/// All nodes of a result's graph, newest first, leaves last.
std::vector<std::shared_ptr<Node>> nodes_of(const Tensor& result);
/// Their names with counts: "sum mul x2 leaf".
std::string names(const Tensor& result);

}  // namespace ditharos::tour
