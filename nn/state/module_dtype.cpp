#include <ditharos/nn/state/module_dtype.h>

#include <unordered_map>
#include <vector>

#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::nn {

void to(ModuleBase& module, DType dtype) {
  check<DTypeError>(is_floating(dtype), "[to] the parameters of a module are floating-point numbers, not ", dtype);
  const bool trainable = dtype == DType::f32 || dtype == DType::f64;
  std::unordered_map<const TensorImpl*, Tensor> converted;
  std::vector<Tensor> originals;  // alive until the end, so that no address is used twice
  visit_tensors(module, [&](const std::string&, Tensor& tensor) {
    if (!is_floating(tensor.dtype()) || tensor.dtype() == dtype) return;
    originals.push_back(tensor);
    const auto [at, first] = converted.try_emplace(tensor.impl());
    if (first) {
      at->second = kernels::to(tensor, dtype);
      if (trainable && tensor.requires_grad()) at->second.set_requires_grad(true);
      if (trainable && tensor.grad().defined()) at->second.set_grad(kernels::to(tensor.grad(), dtype));
    }
    tensor = at->second;
  });
}

}  // namespace ditharos::nn
