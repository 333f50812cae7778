#pragma once
// The two rules of an operation. The backward rule computes the gradients of the inputs from the gradient g of the
// output, J^T g; the tangent rule computes the tangent of the output from the tangents t of the inputs, J t.
//
// Both are written in public operations, so each can be differentiated by the other mode. A tangent rule runs when the
// operation is called, so it refers to the operands as they are: [&].
//
//   exp(x), a * b, where(c, a, b)   elementwise: the backward rule serves as the tangent rule
//   permute(x, order)               [&](const Tangents& d) { return permute(d[0], order); }, as for any linear function
//   matmul(a, b)                    each_tangent([&](const Tensor& da) { return matmul(da, b); },
//                                                [&](const Tensor& db) { return matmul(a, db); })
#include <concepts>
#include <functional>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

class Backward;

/// One gradient for each input; undefined if none is needed or if it is zero. Trailing inputs without a gradient may be
/// left out.
using Grads = std::vector<Tensor>;
/// Computes the gradients of all inputs from the gradient of the output.
using Rule = std::function<Grads(const Backward&)>;

/// The argument of a tangent rule.
class Tangents {
 public:
  Tangents(const char* op, const std::vector<Tensor>& inputs, const std::vector<Tensor>& tangents, const Tensor& output,
           const Rule& backward)
      : op_(op), inputs_(inputs), tangents_(tangents), output_(output), backward_(backward) {}
  /// The tangent of input i, in its shape; undefined stands for zero. At least one is defined.
  const Tensor& operator[](size_t i) const { return tangents_[i]; }
  const Tensor& input(size_t i) const { return inputs_[i]; }
  size_t input_count() const { return inputs_.size(); }
  /// The output, attached to the graph.
  const Tensor& output() const { return output_; }
  /// The gradient of input i by the backward rule, for the gradient g of the output. It is not summed over axes along
  /// which the operation broadcast the input.
  Tensor gradient(const Tensor& g, size_t i = 0) const;

  const char* op() const { return op_; }
  /// total += part(tangent of input i), unless that is zero.
  template <class F>
  void add(Tensor& total, size_t i, const F& part) const {
    if (tangents_[i].defined()) total = sum(total, part(tangents_[i]));
  }
  /// AutogradError if an input from `first` on has a tangent.
  void check_constants_from(size_t first) const;

 private:
  static Tensor sum(const Tensor& a, const Tensor& b);

  const char* op_;
  const std::vector<Tensor>&inputs_, &tangents_;
  const Tensor& output_;
  const Rule& backward_;
};

/// Computes the tangent of the output, in its shape or in one that broadcasts to it; undefined stands for zero. A
/// reference to a function object that lives as long as the call of `record`: operations outside of forward mode pay
/// nothing for it.
class TangentRule {
 public:
  constexpr TangentRule() = default;
  template <class F>
    requires std::is_invocable_r_v<Tensor, const F&, const Tangents&>
  TangentRule(const F& f)  // NOLINT: implicit
      : object_(&f),
        call_([](const void* object, const Tangents& d) -> Tensor { return (*static_cast<const F*>(object))(d); }) {}

  explicit operator bool() const { return call_ != nullptr; }
  Tensor operator()(const Tangents& d) const { return call_(object_, d); }

 private:
  const void* object_ = nullptr;
  Tensor (*call_)(const void*, const Tangents&) = nullptr;
};

/// The tangent rule of an operation whose Jacobian with respect to each input is symmetric, J t = J^T t: the backward
/// rule is called with the tangent in place of the gradient. It needs to be written as each(...), with one function for
/// each input that can have a tangent.
struct SymmetricJacobian {
  Tensor operator()(const Tangents& d) const;
};
inline constexpr SymmetricJacobian elementwise,  ///< a function of the operands' elements, which may be broadcast
    symmetric_jacobian;                          ///< others, such as a softmax

/// A tangent rule that consists of one function for each input, of that input's tangent; the parts are added. It calls
/// those whose input has a tangent. Inputs without a function are constants by their nature (indices, conditions):
/// AutogradError if one has a tangent.
template <class... F>
[[nodiscard]] auto each_tangent(F... parts) {
  return [=](const Tangents& d) {
    d.check_constants_from(sizeof...(F));
    Tensor total;
    size_t i = 0;
    (..., d.add(total, i++, parts));
    return total;
  };
}

}  // namespace ditharos
