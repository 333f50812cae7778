// Selection, comparisons, logic on booleans, and masks.
#include <algorithm>

#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/checked.h>
#include <ditharos/tensor/kernels/index/index.h>
#include <ditharos/tensor/kernels/index/positions.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/kernels/pointwise/select.h>

namespace ditharos {

using kernels::Compare;

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return record("where", kernels::where(condition, a, b), {a, b, condition}, save_input(2),
                each([](const Backward& d) { return where(d.input(2), d.grad(), scalar(0, d.grad().dtype())); },
                     [](const Backward& d) { return where(d.input(2), scalar(0, d.grad().dtype()), d.grad()); }),
                elementwise);
}

namespace {
Tensor compare(const char* name, Compare how, const Tensor& a, const Tensor& b) {
  return not_differentiable(name, kernels::compare(how, a, b), {a, b});
}
}  // namespace

Tensor equal(const Tensor& a, const Tensor& b) { return compare("equal", Compare::eq, a, b); }
Tensor not_equal(const Tensor& a, const Tensor& b) { return compare("not_equal", Compare::ne, a, b); }
Tensor less(const Tensor& a, const Tensor& b) { return compare("less", Compare::lt, a, b); }
Tensor less_equal(const Tensor& a, const Tensor& b) { return compare("less_equal", Compare::le, a, b); }
Tensor greater(const Tensor& a, const Tensor& b) { return compare("greater", Compare::gt, a, b); }
Tensor greater_equal(const Tensor& a, const Tensor& b) { return compare("greater_equal", Compare::ge, a, b); }

namespace {
void check_boolean(const char* op, const Tensor& x) {
  check<DTypeError>(x.dtype() == DType::boolean, "[", op, "] works on booleans, got ", x.dtype(),
                    "; compare first, as in not_equal(x, zero)");
}
/// As the operation's name in the message for shapes that do not broadcast.
void check_booleans(const char* op, const Tensor& a, const Tensor& b) {
  check_boolean(op, a);
  check_boolean(op, b);
  static_cast<void>(broadcast_shapes(op, a.shape(), b.shape()));  // only to check them
}
}  // namespace

Tensor logical_and(const Tensor& a, const Tensor& b) {
  check_booleans("logical_and", a, b);
  return not_differentiable("logical_and", kernels::where(a, b, scalar(0, DType::boolean)), {a, b});
}

Tensor logical_or(const Tensor& a, const Tensor& b) {
  check_booleans("logical_or", a, b);
  return not_differentiable("logical_or", kernels::where(a, scalar(1, DType::boolean), b), {a, b});
}

Tensor logical_xor(const Tensor& a, const Tensor& b) {
  check_booleans("logical_xor", a, b);
  return not_equal(a, b);
}

Tensor logical_not(const Tensor& x) {
  check_boolean("logical_not", x);
  return equal(x, scalar(0, DType::boolean));
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) {
  check_boolean("masked_fill", mask);
  check<ShapeError>(broadcastable_to(mask.shape(), x.shape()), "[masked_fill] a mask of shape ", mask.shape(),
                    " does not stretch to shape ", x.shape());
  return where(mask, scalar(value, x.dtype()), x);
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  check_boolean("masked_select", mask);
  check<ShapeError>(broadcastable_to(mask.shape(), x.shape()), "[masked_select] a mask of shape ", mask.shape(),
                    " does not stretch to shape ", x.shape());
  return index_select(reshape(x, {x.numel()}), kernels::nonzero(expand(mask, x.shape())));
}

namespace {
/// [rows, columns] of booleans: column - row <= diagonal.
Tensor on_or_below(const char* op, const Tensor& x, int64_t diagonal) {
  check<ShapeError>(x.rank() >= 2, "[", op, "] needs at least two axes, got shape ", x.shape());
  const Tensor rows = unsqueeze(arange(x.size(-2), DType::i64), 1), columns = arange(x.size(-1), DType::i64);
  // Clamped to the corners, beyond which the result is the same: no sum overflows.
  const int64_t corner = std::clamp(diagonal, -x.size(-2) - 1, x.size(-1) + 1);
  return less_equal(columns, rows + double(corner));
}
}  // namespace

Tensor tril(const Tensor& x, int64_t diagonal) {
  return where(on_or_below("tril", x, diagonal), x, scalar(0, x.dtype()));
}

Tensor triu(const Tensor& x, int64_t diagonal) {
  return where(on_or_below("triu", x, std::max(diagonal, -max_size) - 1), scalar(0, x.dtype()), x);
}

}  // namespace ditharos
