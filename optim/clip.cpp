#include <ditharos/optim/clip.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include <ditharos/tensor/kernels/pointwise.h>
#include <ditharos/tensor/kernels/reduce.h>
#include <ditharos/tensor/observer.h>

namespace ditharos::optim {

GradNorm clip_grad_norm(const nn::NamedTensors& parameters, double max_norm) {
  check<ConfigError>(max_norm > 0, "[clip_grad_norm] max_norm must be above 0, got ", max_norm);
  const WorkScope scope({"clip_grad_norm", WorkKind::optimizer});
  std::unordered_set<const TensorImpl*> seen;
  double sum = 0;  // in the order of the parameters: the same bits at every number of threads
  for (const auto& [name, tensor] : parameters) {
    const Tensor grad = tensor.grad();
    if (!grad.defined() || !seen.insert(tensor.impl()).second) continue;
    const double squares = kernels::sum_of_squares(grad);
    check(std::isfinite(squares), "[clip_grad_norm] the gradient of \"", name, "\" ",
          std::isfinite(squares) || kernels::all_finite(grad) ? "is too large to be squared"
                                                              : "has NaN or infinite elements");
    sum += squares;
  }
  check(std::isfinite(sum), "[clip_grad_norm] the gradients are too large for their squares to be summed");
  const double norm = std::sqrt(sum);
  return {norm, std::isinf(max_norm) ? 1.0 : std::min(1.0, max_norm / (norm + 1e-6))};
}

}  // namespace ditharos::optim
