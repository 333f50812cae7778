#pragma once
// What the steps of the tour share: tensors from numbers, numbers as text, and a recorded graph as a list.
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

/// "6.000" or "[1.000, 2.000]" or "[[1.000], [2.000]]". Three decimals: a last bit that differs between processors does
/// not show.
std::string text(const Tensor& x);
/// Largest difference between two tensors of one shape.
double difference(const Tensor& a, const Tensor& b);
const char* yes_or_no(bool yes);

/// Every node that a result was computed from, the newest first, leaves last.
std::vector<std::shared_ptr<Node>> nodes_of(const Tensor& result);
/// Their names, "sum mul leaf", and how often a name comes: "mul x2".
std::string names(const Tensor& result);

}  // namespace ditharos::tour
