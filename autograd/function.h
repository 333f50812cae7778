#pragma once
// Custom operations, from a forward and a backward function on plain tensors.
//
//   Tensor softsign(const Tensor& x) {                                            // x / (1 + |x|)
//     static const Function op = {
//         "softsign",
//         [](const Function::Tensors& in) { return in[0] / (abs(in[0]) + 1.0); },
//         [](const Function::Tensors& in, const Tensor& output, const Tensor& grad) -> Function::Tensors {
//           return {grad * square(1.0 - abs(output))};                            // 1 / (1 + |x|)^2
//         }};
//     return op({x});
//   }
//   gradcheck([](const std::vector<Tensor>& x) { return softsign(x[0]); }, {x})   // the check of all operations
//
// `record` (node.h) has more options: which inputs to save, and a rule for each input.
#include <functional>
#include <vector>

#include <ditharos/autograd/gradcheck.h>
#include <ditharos/autograd/node.h>

namespace ditharos {

struct Function {
  using Tensors = std::vector<Tensor>;
  const char* name;  ///< a string literal; errors and graphs show it
  /// Computes the output, with recording off.
  std::function<Tensor(const Tensors& inputs)> forward;
  /// The gradient of each input, or an undefined tensor for an input without one, from the gradient of the output. If
  /// it is written in the library's operations, it has derivatives of any order. The engine sums the gradients of
  /// broadcast inputs.
  std::function<Tensors(const Tensors& inputs, const Tensor& output, const Tensor& grad)> backward;
  /// Optional: the tangent of the output from those of the inputs, some of them undefined, which stands for zero.
  /// Without it forward mode differentiates `backward`, which is linear in `grad`, at the cost of two backward passes.
  std::function<Tensor(const Tensors& inputs, const Tensor& output, const Tensors& tangents)> tangent = {};

  /// The output, recorded.
  Tensor operator()(const Tensors& inputs) const;
};

}  // namespace ditharos
