#pragma once
// Rows of the op table for operations whose results consist of elements of their input.
#include "tests/op_table/op_table.h"

namespace ditharos::tests {

using MovingOp = std::function<Tensor(const Tensor&)>;
using Source = std::function<Index(const Index&, const Shape&)>;  ///< where in x an element of the result comes from

/// `shape` of the result for the shape of the input.
inline Row moving(const std::string& name, const std::string& record, MovingOp op, std::function<Shape(Shape)> shape,
                  Source source, std::vector<Case> cases) {
  Row row;
  row.name = name;
  row.record = record;
  row.op = [op](const Tensors& in) { return op(in[0]); };
  row.reference = [=](const Arrays& in) {
    return pick(in[0], shape(in[0].shape), [&](const Index& i) { return source(i, in[0].shape); });
  };
  row.inputs = {uniform(-2, 2)};
  row.cases = std::move(cases);
  row.takes = Takes::anything;
  row.tolerance = row.tolerance32 = 0;
  return row;
}

inline void refuses(Row& row, std::function<void()> misuse, const std::string& message) {
  row.misuse = std::move(misuse);
  row.message = message;
}

}  // namespace ditharos::tests
