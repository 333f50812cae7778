// Einstein's sum convention: a product of tensors whose axes have names, summed over the names that the result lacks.
//
// Operands are multiplied from left to right. A name that neither the result nor a later operand has is summed as early
// as possible, so each product is a (batched) matrix product or an elementwise one.
#include <algorithm>
#include <map>

#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/einsum_equation.h>

namespace ditharos {
namespace {

/// A tensor whose axes have names, all different.
struct Named {
  Tensor x;
  std::string names;

  bool has(char name) const { return names.find(name) != std::string::npos; }
  int64_t size(char name) const { return x.size(int(names.find(name))); }
};

/// The product of the sizes that some names have in x.
int64_t extent(const Named& x, const std::string& names) {
  int64_t n = 1;
  for (char name : names) n *= x.size(name);
  return n;
}

Tensor ordered(const Named& x, const std::string& names) {
  Axes order;
  for (char name : names) order.push_back(int64_t(x.names.find(name)));
  return order.empty() ? x.x : permute(x.x, order);
}

/// Names that occur twice in an operand mean its diagonal.
Named without_repeats(Named x) {
  for (size_t i = 0; i < x.names.size();) {
    const size_t j = x.names.find(x.names[i], i + 1);
    if (j == std::string::npos) {
      ++i;
      continue;
    }
    x.x = diagonal(x.x, 0, int(i), int(j));  // comes last
    x.names = x.names.substr(0, i) + x.names.substr(i + 1, j - i - 1) + x.names.substr(j + 1) + x.names[i];
  }
  return x;
}

/// Sums over the names that `kept` does not have.
Named summed(const Named& x, const std::string& kept) {
  Axes axes;
  std::string names;
  for (size_t i = 0; i < x.names.size(); ++i) {
    if (kept.find(x.names[i]) == std::string::npos) axes.push_back(int64_t(i));
    else names += x.names[i];
  }
  return axes.empty() ? x : Named{sum(x.x, axes), names};
}

/// The product of two operands, summed over what `kept` does not have.
Named product(const Named& left, const Named& right, const std::string& kept) {
  const Named a = summed(left, kept + right.names), b = summed(right, kept + left.names);
  std::string batch, inner, rows, columns;  // in both and kept, in both and summed, in one of them
  for (char name : a.names) (!b.has(name) ? rows : kept.find(name) != std::string::npos ? batch : inner) += name;
  for (char name : b.names)
    if (!a.has(name)) columns += name;
  const int64_t n = extent(a, batch), m = extent(a, rows), k = extent(a, inner), p = extent(b, columns);
  const Tensor x = reshape(ordered(a, batch + rows + inner), {n, m, k});
  const Tensor y = reshape(ordered(b, batch + inner + columns), {n, k, p});
  const Tensor z = inner.empty() ? reshape(x, {n, m, 1}) * reshape(y, {n, 1, p}) : matmul(x, y);  // [n, m, p]
  Shape shape;
  for (char name : batch + rows) shape.push_back(a.size(name));
  for (char name : columns) shape.push_back(b.size(name));
  return {reshape(z, shape), batch + rows + columns};
}

/// The operands by name. The axes of an ellipsis broadcast: one of size 1 where others are longer is left out.
std::vector<Named> named_operands(const EinsumEquation& equation, const std::vector<Tensor>& operands) {
  std::map<char, int64_t> sizes;
  std::vector<Named> named;
  for (size_t i = 0; i < operands.size(); ++i) {
    named.push_back({operands[i], equation.inputs[i]});
    for (int axis = 0; axis < operands[i].rank(); ++axis) {
      const char name = equation.inputs[i][size_t(axis)];
      const int64_t size = operands[i].size(axis), known = sizes.try_emplace(name, size).first->second;
      const bool broadcasts = EinsumEquation::of_ellipsis(name) && (size == 1 || known == 1);
      check<ShapeError>(size == known || broadcasts, "[einsum] \"", equation.text,
                        "\": ", EinsumEquation::describe(name), " has size ", size, " in operand ", i, " of shape ",
                        operands[i].shape(), ", but ", known, " before");
      sizes[name] = known == 1 ? size : known;
    }
  }
  for (Named& x : named)
    for (size_t axis = x.names.size(); axis-- > 0;)
      if (x.x.size(int(axis)) == 1 && sizes[x.names[axis]] != 1) {
        x.x = squeeze(x.x, int(axis));
        x.names.erase(axis, 1);
      }
  return named;
}

}  // namespace

Tensor einsum(const std::string& equation, const std::vector<Tensor>& operands) {
  for (size_t i = 0; i < operands.size(); ++i) {
    check_floating("einsum", operands[i].dtype());
    check<DTypeError>(operands[i].dtype() == operands[0].dtype(), "[einsum] operand ", i, " is ", operands[i].dtype(),
                      ", operand 0 is ", operands[0].dtype(), "; convert one of them");
  }
  const EinsumEquation parsed(equation, operands);
  std::vector<Named> rest = named_operands(parsed, operands);
  for (Named& x : rest) x = without_repeats(x);
  Named result = rest[0];
  for (size_t i = 1; i < rest.size(); ++i) {
    std::string kept = parsed.output;
    for (size_t later = i + 1; later < rest.size(); ++later) kept += rest[later].names;
    result = product(result, rest[i], kept);
  }
  return ordered(summed(result, parsed.output), parsed.output);
}

}  // namespace ditharos
