#pragma once
// Rows of losses, whose value for each element or row is known.
#include <ditharos/autograd/ops.h>
#include "tests/op_table/op_table.h"

namespace ditharos::tests {

/// 1 and -1, as i64, for flags.
inline Tensor one_or_minus_one(const Tensor& flags) {
  return where(to(flags, DType::f32) != 0.0, scalar(1, DType::i64), scalar(-1, DType::i64));
}

/// A loss whose value for each element or row is known.
struct Loss {
  std::string name;
  std::function<Tensor(const Tensors&, Reduction)> op;
  std::function<Array(const Arrays&)> reference;  // with Reduction::none
  std::vector<Values> inputs;
  std::vector<Case> cases;
  Case empty;  // a case without elements, which has no mean
  std::function<void()> misuse;
  std::string message;
  std::function<double(const Arrays&)> divisor = {};  // of a mean; by default the number of losses
};

/// A row for each reduction.
inline void add_loss(Rows& rows, const Loss& loss,
                     const std::vector<Reduction>& reductions = {Reduction::mean, Reduction::sum, Reduction::none}) {
  for (const Reduction reduction : reductions) {
    Row row;
    row.name = loss.name;
    row.op = [reduction, op = loss.op](const Tensors& in) { return op(in, reduction); };
    row.reference = [loss, reduction](const Arrays& in) {
      const Array losses = loss.reference(in);
      if (reduction == Reduction::none) return losses;
      const double total = sum_of(losses.values);
      if (reduction == Reduction::sum) return Array(Shape{}, total);
      return Array(Shape{}, total / (loss.divisor ? loss.divisor(in) : double(losses.values.size())));
    };
    row.inputs = loss.inputs;
    row.cases = loss.cases;
    if (reduction != Reduction::mean && !loss.empty.empty()) row.cases.push_back(loss.empty);
    row.misuse = loss.misuse;
    row.message = "[" + loss.name + "] " + loss.message;
    rows.push_back(std::move(row));
  }
}

}  // namespace ditharos::tests
