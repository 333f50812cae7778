#include <ditharos/optim/clip.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include <ditharos/autograd/node.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/pointwise/pointwise.h>
#include <ditharos/tensor/kernels/reduce/reduce.h>
#include <ditharos/tensor/observer.h>

namespace ditharos::optim {
namespace {

/// The parameters that have a gradient, each once. AutogradError for a tensor that is no leaf, since it never has one.
nn::NamedTensors with_gradient(const char* op, const nn::NamedTensors& parameters) {
  nn::NamedTensors found;
  std::unordered_set<const TensorImpl*> seen;
  for (const nn::NamedTensor& p : parameters) {
    nn::check_leaf(op, p);
    if (p.tensor.grad().defined() && seen.insert(p.tensor.impl()).second) found.push_back(p);
  }
  return found;
}

std::vector<double> squares_of(const nn::NamedTensors& parameters) {
  std::vector<double> squares;
  for (const auto& [name, tensor] : parameters) {
    const Tensor grad = tensor.grad();
    double sum = grad.defined() ? kernels::sum_of_squares(grad) : 0;
    if (std::isnan(sum) || (std::isinf(sum) && !kernels::all_finite(grad)))
      sum = std::numeric_limits<double>::quiet_NaN();
    squares.push_back(sum);
  }
  return squares;
}

ClipFactor factor_of(const char* op, const nn::NamedTensors& parameters, const std::vector<double>& squares,
                     double max_norm) {
  check<ConfigError>(max_norm > 0, "[", op, "] max_norm must be above 0, got ", max_norm);
  double sum = 0;  // in the order of the parameters: the same bits for every number of threads
  for (size_t i = 0; i < parameters.size(); ++i) {
    check(std::isfinite(squares[i]), "[", op, "] the gradient of \"", parameters[i].name, "\" ",
          std::isinf(squares[i]) ? "is too large to be squared" : "has NaN or infinite elements");
    sum += squares[i];
  }
  check(std::isfinite(sum), "[", op, "] the gradients are too large for their squares to be summed");
  const double norm = std::sqrt(sum);
  return {norm, std::isinf(max_norm) ? 1.0 : std::min(1.0, max_norm / (norm + 1e-6))};
}

ClipFactor factor_for(const char* op, const nn::NamedTensors& parameters, double max_norm) {
  const nn::NamedTensors found = with_gradient(op, parameters);
  return factor_of(op, found, squares_of(found), max_norm);
}

/// Replaces the elements of each gradient by those of f(gradient). A gradient that is a view gets memory of its own:
/// its elements may overlap.
template <class F>
void change_gradients(const nn::NamedTensors& parameters, const F& f) {
  std::unordered_set<const TensorImpl*> done;  // two parameters may have the same gradient tensor
  for (const auto& [name, tensor] : parameters) {
    const Tensor grad = tensor.grad();
    if (!grad.is_contiguous()) tensor.set_grad(f(grad));
    else if (done.insert(grad.impl()).second) kernels::copy_into(grad, f(grad));
  }
}

}  // namespace

double clip_grad_norm_(const nn::NamedTensors& parameters, double max_norm) {
  const WorkScope scope({"clip_grad_norm_", WorkKind::optimizer});
  const auto [norm, factor] = factor_for("clip_grad_norm_", parameters, max_norm);
  if (factor == 1) return norm;
  change_gradients(with_gradient("clip_grad_norm_", parameters), [factor = factor](const Tensor& grad) {
    return kernels::unary(kernels::Unary::mul_scalar, grad, factor);
  });
  return norm;
}

void clip_grad_value_(const nn::NamedTensors& parameters, double clip_value) {
  check<ConfigError>(clip_value > 0, "[clip_grad_value_] clip_value must be above 0, got ", clip_value);
  const WorkScope scope({"clip_grad_value_", WorkKind::optimizer});
  change_gradients(with_gradient("clip_grad_value_", parameters), [clip_value](const Tensor& grad) {
    return kernels::unary(kernels::Unary::clamp, grad, -clip_value, clip_value);
  });
}

std::vector<double> gradient_squares(const nn::NamedTensors& parameters) {
  const WorkScope scope({"clip_grad_factor", WorkKind::optimizer});
  return squares_of(parameters);
}

ClipFactor clip_factor(const nn::NamedTensors& parameters, const std::vector<double>& squares, double max_norm) {
  check<ShapeError>(squares.size() == parameters.size(), "[clip_grad_factor] ", squares.size(), " sums of squares for ",
                    parameters.size(), " parameters");
  return factor_of("clip_grad_factor", parameters, squares, max_norm);
}

ClipFactor clip_grad_factor(const nn::NamedTensors& parameters, double max_norm) {
  const WorkScope scope({"clip_grad_factor", WorkKind::optimizer});
  return factor_for("clip_grad_factor", parameters, max_norm);
}

}  // namespace ditharos::optim
