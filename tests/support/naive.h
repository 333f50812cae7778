#pragma once
// The simplest arrays that can state what an operation should compute: row-major doubles and loops over every index.
// The references of the op table are written with it, so it shares nothing with the library but Shape.
#include <functional>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos::tests {

using Index = Shape;

struct Array {
  Shape shape;
  std::vector<double> values;

  Array() = default;
  explicit Array(const Shape& s, double value = 0);
  explicit Array(const Tensor& x);

  double& at(const Index& i);
  double at(const Index& i) const;
  int rank() const { return shape.rank(); }
};
using Arrays = std::vector<Array>;

/// Calls body with every index of `shape`, row-major.
void each_index(const Shape& shape, const std::function<void(const Index&)>& body);

Array map(const Array& x, const std::function<double(double)>& f);
/// f(a, b) with broadcasting.
Array zip(const Array& a, const Array& b, const std::function<double(double, double)>& f);
/// x broadcast to `shape`.
Array stretch(const Array& x, const Shape& shape);
/// Replaces each run of elements along `axes` (all when empty) by f(run).
Array reduce(const Array& x, Axes axes, bool keepdim, const std::function<double(const std::vector<double>&)>& f);
/// Replaces each row along `axis` by f(row), which keeps its length.
Array map_rows(const Array& x, int axis, const std::function<std::vector<double>(const std::vector<double>&)>& f);
/// Element i of the result is x at source(i).
Array pick(const Array& x, const Shape& shape, const std::function<Index(const Index&)>& source);
/// a b over the last two axes, leading axes broadcast.
Array matmul(const Array& a, const Array& b);
Array reshaped(Array x, const Shape& shape);
/// Swaps the last two axes.
Array flipped(const Array& x);

double sum_of(const std::vector<double>& v);
double mean_of(const std::vector<double>& v);
std::vector<double> softmax_of(const std::vector<double>& v);
/// (v - mean) / sqrt(variance + eps)
std::vector<double> normalized(const std::vector<double>& v, double eps);

}  // namespace ditharos::tests
