#include "tests/support/naive.h"

#include <algorithm>
#include <cmath>

namespace ditharos::tests {
namespace {

size_t position(const Shape& shape, const Index& i) {
  int64_t p = 0;
  for (int k = 0; k < shape.rank(); ++k) p = p * shape[k] + i[k];
  return size_t(p);
}

int64_t count(const Shape& shape) {
  int64_t n = 1;
  for (int64_t size : shape) n *= size;
  return n;
}

/// The index in an array of shape `from` that broadcasting shows at index i of a larger one.
Index shrunk(const Index& i, const Shape& from) {
  Index out;
  for (int k = 0; k < from.rank(); ++k) out.push_back(from[k] == 1 ? 0 : i[i.rank() - from.rank() + k]);
  return out;
}

Shape broadcast(const Shape& a, const Shape& b) {
  Shape out = a.rank() >= b.rank() ? a : b;
  for (const Shape& s : {a, b})
    for (int k = 0; k < s.rank(); ++k)
      if (s[k] != 1) out[out.rank() - s.rank() + k] = s[k];
  return out;
}

}  // namespace

Array::Array(const Shape& s, double value) : shape(s), values(size_t(count(s)), value) {}
Array::Array(const Tensor& x) : shape(x.shape()), values(x.to_vector<double>()) {}
double& Array::at(const Index& i) { return values[position(shape, i)]; }
double Array::at(const Index& i) const { return values[position(shape, i)]; }

void each_index(const Shape& shape, const std::function<void(const Index&)>& body) {
  Index i = Shape::filled(shape.rank(), 0);
  for (int64_t n = count(shape); n > 0; --n) {
    body(i);
    for (int k = shape.rank() - 1; k >= 0 && ++i[k] == shape[k]; --k) i[k] = 0;
  }
}

Array map(const Array& x, const std::function<double(double)>& f) {
  Array out = x;
  std::transform(x.values.begin(), x.values.end(), out.values.begin(), f);
  return out;
}

Array pick(const Array& x, const Shape& shape, const std::function<Index(const Index&)>& source) {
  Array out(shape);
  each_index(shape, [&](const Index& i) { out.at(i) = x.at(source(i)); });
  return out;
}

Array stretch(const Array& x, const Shape& shape) {
  return pick(x, shape, [&](const Index& i) { return shrunk(i, x.shape); });
}

Array zip(const Array& a, const Array& b, const std::function<double(double, double)>& f) {
  Array out(broadcast(a.shape, b.shape));
  each_index(out.shape, [&](const Index& i) { out.at(i) = f(a.at(shrunk(i, a.shape)), b.at(shrunk(i, b.shape))); });
  return out;
}

Array reduce(const Array& x, Axes axes, bool keepdim, const std::function<double(const std::vector<double>&)>& f) {
  Shape kept = x.shape, dropped;
  for (int64_t& axis : axes) axis = axis < 0 ? axis + x.rank() : axis;
  for (int k = 0; k < x.rank(); ++k) {
    const bool reduced = axes.empty() || std::find(axes.begin(), axes.end(), k) != axes.end();
    if (reduced) kept[k] = 1;
    else dropped.push_back(x.shape[k]);
  }
  std::vector<std::vector<double>> runs(size_t(count(kept)));
  each_index(x.shape, [&](const Index& i) { runs[position(kept, shrunk(i, kept))].push_back(x.at(i)); });
  Array out(keepdim ? kept : dropped);
  std::transform(runs.begin(), runs.end(), out.values.begin(), f);
  return out;
}

Array map_rows(const Array& x, int axis, const std::function<std::vector<double>(const std::vector<double>&)>& f) {
  if (axis < 0) axis += x.rank();
  Array out(x.shape);
  Shape heads = x.shape;
  heads[axis] = std::min<int64_t>(heads[axis], 1);
  each_index(heads, [&](Index i) {
    std::vector<double> row;
    for (i[axis] = 0; i[axis] < x.shape[axis]; ++i[axis]) row.push_back(x.at(i));
    row = f(row);
    for (i[axis] = 0; i[axis] < x.shape[axis]; ++i[axis]) out.at(i) = row[size_t(i[axis])];
  });
  return out;
}

Array reshaped(Array x, const Shape& shape) {
  x.shape = shape;
  return x;
}

Array flipped(const Array& x) {
  const int last = x.rank() - 1;
  Shape shape = x.shape;
  std::swap(shape[last], shape[last - 1]);
  return pick(x, shape, [last](Index i) {
    std::swap(i[last], i[last - 1]);
    return i;
  });
}

Array matmul(const Array& a, const Array& b) {
  const int64_t rows = a.shape[a.rank() - 2], inner = a.shape[a.rank() - 1], columns = b.shape[b.rank() - 1];
  Shape batch = broadcast(Shape(a.shape.begin(), a.shape.end() - 2), Shape(b.shape.begin(), b.shape.end() - 2));
  Shape shape_a = batch, shape_b = batch, shape = batch;
  for (int64_t n : {rows, inner}) shape_a.push_back(n);
  for (int64_t n : {inner, columns}) shape_b.push_back(n);
  for (int64_t n : {rows, columns}) shape.push_back(n);
  const Array left = stretch(a, shape_a), right = stretch(b, shape_b);
  const int last = shape.rank() - 1;
  Array out(shape);
  each_index(shape, [&](const Index& i) {
    Index l = i, r = i;
    for (int64_t k = 0; k < inner; ++k) {
      l[last] = r[last - 1] = k;
      out.at(i) += left.at(l) * right.at(r);
    }
  });
  return out;
}

double sum_of(const std::vector<double>& v) {
  double total = 0;
  for (double x : v) total += x;
  return total;
}

double mean_of(const std::vector<double>& v) { return sum_of(v) / double(v.size()); }

std::vector<double> softmax_of(const std::vector<double>& v) {
  double top = -INFINITY, total = 0;
  for (double x : v) top = std::max(top, x);
  for (double x : v) total += std::exp(x - top);
  std::vector<double> out;
  for (double x : v) out.push_back(std::exp(x - top) / total);
  return out;
}

std::vector<double> normalized(const std::vector<double>& v, double eps) {
  const double mean = mean_of(v);
  double variance = 0;
  for (double x : v) variance += (x - mean) * (x - mean) / double(v.size());
  std::vector<double> out;
  for (double x : v) out.push_back((x - mean) / std::sqrt(variance + eps));
  return out;
}

}  // namespace ditharos::tests
