#include "tests/op_table/op_message_checks.h"

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <doctest/doctest.h>
#include "tests/op_table/op_inputs.h"

namespace ditharos::tests {
namespace {

/// Tensors that do not fit as x.
Tensors wrong(const Tensor& x) {
  Tensors out;
  const auto add = [&](const Shape& shape) { out.push_back(zeros(shape, x.dtype())); };
  for (int axis = 0; axis < x.rank(); ++axis)
    for (int64_t size : {x.size(axis) + 1, int64_t{0}}) {
      Shape shape = x.shape();
      shape[axis] = size;
      add(shape);
    }
  Shape deeper = x.shape();
  if (x.rank() < Shape::max_rank) deeper.insert(0, 3), add(deeper);
  out.push_back(zeros(x.shape(), x.dtype() == DType::f64 ? DType::f32 : DType::f64));
  if (x.dtype() == DType::i64)
    for (double index : {-1.0, 1e6}) out.push_back(full(x.shape(), index, DType::i64));
  return out;
}

}  // namespace

int64_t check_messages(const Row& row) {
  const NoGrad guard;
  int64_t refused = 0;
  const Layouts plain(row.inputs.size(), Layout::contiguous);
  const Tensors right = draw_leaves(row, row.cases[0], plain, DType::f32);
  for (size_t i = 0; i < right.size(); ++i)
    for (const Tensor& other : wrong(right[i])) {
      Tensors operands = right;
      operands[i] = other;
      try {
        static_cast<void>(row.op(operands));
      } catch (const Error& e) {
        ++refused;
        const std::string message = e.what();
        if (message.rfind("[" + row.name + "] ", 0) != 0)
          FAIL_CHECK(row.name << " with " << ditharos::to_text(other.dtype()) << " of shape "
                              << ditharos::to_text(other.shape()) << " as input " << i << " says: " << message);
      }
    }
  return refused;
}

}  // namespace ditharos::tests
