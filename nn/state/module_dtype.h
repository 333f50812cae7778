#pragma once
#include <ditharos/nn/module.h>

namespace ditharos::nn {

/// Converts the module's floating-point parameters, their gradients, and floating-point buffers to `dtype`, as
/// module.to(dtype) in PyTorch; integers stay. In bf16 and f16 they can be stored but not trained, and
/// set_requires_grad() makes them collect gradients again once they are f32 or f64. A converted parameter is another
/// tensor: make optimizers afterwards. Tied weights stay tied. DTypeError unless dtype is floating.
void to(ModuleBase& module, DType dtype);

}  // namespace ditharos::nn
