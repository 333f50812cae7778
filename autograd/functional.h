#pragma once
// Derivatives of functions: products with the Jacobian from either side, the Jacobian itself, the Hessian. And
// functions of batches from functions of samples.
//
//   const Tensor h = hessian([](const Tensor& x) { return sum(pow(x, 3)); }, x);   // diag(6 x)
//
// All of them call the function, on copies of the inputs that are leaves. With create_graph = true an input that needs
// a gradient is used as it is, and the results can be differentiated again with respect to it.
//
// The function must use its arguments. A tensor that it captures, such as the parameters of a module in a lambda, is a
// constant to it, even if the same tensor is also an input. So AutogradError is thrown when the result does not depend
// on an input at all. With `allow_unused`, the derivative is zero then.
#include <functional>
#include <optional>
#include <vector>

#include <ditharos/tensor/tensor.h>

namespace ditharos {

using TensorFunction = std::function<Tensor(const std::vector<Tensor>&)>;

struct [[nodiscard]] Vjp {
  Tensor output;              ///< f(inputs)
  std::vector<Tensor> grads;  ///< v^T J, one an input
};
/// Gradients of the inputs for the gradient `v` of the output: one backward pass. `v` may be left out for an output of
/// one element. ShapeError unless v has the output's shape.
Vjp vjp(const TensorFunction& f, const std::vector<Tensor>& inputs, const Tensor& v = {}, bool create_graph = false,
        bool allow_unused = false);

struct [[nodiscard]] Jvp {
  Tensor output;   ///< f(inputs)
  Tensor tangent;  ///< J v, in the output's shape
};
/// The derivative of f along `v`, one tensor for each input, of its shape, by forward mode (forward_mode.h): f runs
/// once, and with it the tangents of its operations, which cost about as much as f. What f saves for a backward pass
/// lives until the end of the call; a DualLevel under NoGrad saves nothing. f may use vjp(), with create_graph = true,
/// but not jvp().
Jvp jvp(const TensorFunction& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& v,
        bool create_graph = false, bool allow_unused = false);

/// d output / d input for each input, in the shape [output's..., input's...]: a backward pass for each element of the
/// output. ShapeError when that has more than eight axes.
[[nodiscard]] std::vector<Tensor> jacobian(const TensorFunction& f, const std::vector<Tensor>& inputs,
                                           bool create_graph = false, bool allow_unused = false);
Tensor jacobian(const std::function<Tensor(const Tensor&)>& f, const Tensor& input, bool create_graph = false,
                bool allow_unused = false);

/// Second derivatives of a function with one element: block [i][j] is d^2 f / d input_i d input_j in the shape
/// [input_i's..., input_j's...].
[[nodiscard]] std::vector<std::vector<Tensor>> hessian(const TensorFunction& f, const std::vector<Tensor>& inputs,
                                                       bool create_graph = false, bool allow_unused = false);
Tensor hessian(const std::function<Tensor(const Tensor&)>& f, const Tensor& input, bool create_graph = false,
               bool allow_unused = false);

/// The product of the Hessian of a function with one element and `v`, one tensor for each input. It costs two backward
/// passes, whatever the size (Pearlmutter 1994). `grads` holds the products.
Vjp hvp(const TensorFunction& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& v,
        bool create_graph = false, bool allow_unused = false);

/// f mapped over an axis of its inputs, as torch.vmap: the result calls f for each index along the axes `in_dims`, one
/// an input (empty: 0 for all; an undefined one: the input is given whole), and stacks what f returns along `out_dim`.
/// Derivatives of every order and both modes go through it. The calls run one after another: it saves writing a batched
/// function, not time.
[[nodiscard]] TensorFunction vmap(TensorFunction f, std::vector<std::optional<int>> in_dims = {}, int out_dim = 0);
/// The same of a function of one tensor, over its axis `in_dim`.
[[nodiscard]] std::function<Tensor(const Tensor&)> vmap(std::function<Tensor(const Tensor&)> f, int in_dim = 0,
                                                        int out_dim = 0);

/// The gradient of each sample's loss with respect to each parameter, in the shape [B, parameter's...], without a
/// graph. `batch` holds tensors [B, ...]; `loss` is called for each sample with batches of one, and gives one element.
/// It may use parameters that it captures, as those of a module. A forward and a backward pass for each sample.
[[nodiscard]] std::vector<Tensor> per_sample_grads(const TensorFunction& loss, const std::vector<Tensor>& parameters,
                                                   const std::vector<Tensor>& batch);

}  // namespace ditharos
