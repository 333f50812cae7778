#include "tests/op_table/op_inputs.h"

#include <algorithm>
#include <cmath>

#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::tests {
namespace {

constexpr const char* layout_names[] = {"contiguous", "transposed", "sliced", "expanded"};

/// The first axis that expansion can make, or -1.
int stretched_axis(const Shape& shape) {
  for (int k = 0; k < shape.rank(); ++k)
    if (shape[k] > 1) return k;
  return -1;
}

Axes reversed_axes(int rank) {
  Axes order;
  for (int k = rank - 1; k >= 0; --k) order.push_back(k);
  return order;
}

Shape leaf_shape(Shape shape, Layout layout) {
  const int last = shape.rank() - 1;
  if (layout == Layout::transposed) std::reverse(shape.begin(), shape.end());
  if (layout == Layout::sliced && last >= 0) shape[last] = 2 * shape[last] + 1;
  if (const int axis = stretched_axis(shape); layout == Layout::expanded && axis >= 0) shape[axis] = 1;
  return shape;
}

Tensor laid_out(const Tensor& leaf, const Shape& shape, Layout layout) {
  const int last = shape.rank() - 1;
  if (layout == Layout::transposed) return permute(leaf, reversed_axes(shape.rank()));
  if (layout == Layout::sliced && last >= 0) return slice(leaf, last, 1, leaf.size(last), 2);
  return layout == Layout::expanded ? expand(leaf, shape) : leaf;
}

std::vector<double> draw(const Values& v, int64_t n, Generator& rng) {
  const double range = v.high - v.low;
  std::vector<double> out;
  if (v.kind == Values::Kind::apart) {
    out = rng.permutation(n).to_vector<double>();
    for (double& x : out) x = v.low + range * x / double(n);
    return out;
  }
  out = rng.uniform({n}, DType::f64).to_vector<double>();
  for (double& x : out) {
    if (v.kind == Values::Kind::uniform) x = v.low + range * x;
    else if (v.kind == Values::Kind::lattice) x = v.low + std::floor(range * 8 * x) / 8 + v.offset;
    else x = std::floor(v.low + range * x);
  }
  return out;
}

/// Values for a dtype that has no fractions: those between the bounds, or 0 and 1.
Values whole_numbers(const Values& v, DType dtype) {
  if (dtype == DType::boolean) return flags();
  return whole(std::ceil(v.low), std::floor(v.high) + 1);
}

}  // namespace

std::string to_text(const Layouts& layouts) {
  std::string text;
  for (Layout l : layouts) text += std::string(text.empty() ? "" : ", ") + layout_names[size_t(l)];
  return text;
}

std::string to_text(const Case& shapes) {
  std::string text;
  for (const Shape& s : shapes) text += (text.empty() ? "" : " ") + ditharos::to_text(s);
  return text;
}

std::vector<Layouts> layouts_for(size_t inputs) {
  std::vector<Layouts> all;
  constexpr Layout every[] = {Layout::contiguous, Layout::transposed, Layout::sliced, Layout::expanded};
  for (Layout l : every) all.emplace_back(inputs, l);
  for (Layout l : every) {
    if (inputs < 2 || l == Layout::contiguous) continue;
    for (size_t i : {size_t(0), inputs - 1}) {
      Layouts mixed(inputs, Layout::contiguous);
      mixed[i] = l;
      all.push_back(mixed);
    }
  }
  return all;
}

Tensors draw_leaves(const Row& row, const Case& shapes, const Layouts& layouts, DType dtype) {
  Generator rng(17);
  Tensors leaves;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const Shape shape = leaf_shape(shapes[i], layouts[i]);
    const Values& v = row.inputs[i];
    const bool rounds = v.floating() && !is_floating(dtype);
    const Tensor drawn = from_vector(draw(rounds ? whole_numbers(v, dtype) : v, numel(shape), rng), shape);
    const DType own = v.floating() ? dtype : v.kind == Values::Kind::flag ? DType::boolean : DType::i64;
    leaves.push_back(kernels::to(drawn, own));
  }
  return leaves;
}

Tensors lay_out(const Tensors& leaves, const Case& shapes, const Layouts& layouts) {
  Tensors out;
  for (size_t i = 0; i < leaves.size(); ++i) out.push_back(laid_out(leaves[i], shapes[i], layouts[i]));
  return out;
}

Tensors as_parameters(const Row& row, const Tensors& leaves) {
  Tensors out = leaves;
  for (size_t i = 0; i < out.size(); ++i)
    if (row.inputs[i].floating()) out[i] = out[i].detach().set_requires_grad();
  return out;
}

Tensors parameters_of(const Row& row, const Tensors& leaves) {
  Tensors out;
  for (size_t i = 0; i < leaves.size(); ++i)
    if (row.inputs[i].floating()) out.push_back(leaves[i]);
  return out;
}

Tensor cotangent(const Tensor& output) {
  Generator rng(23);
  return rng.uniform(output.shape(), DType::f64) * 2.0 - 1.0;
}

}  // namespace ditharos::tests
