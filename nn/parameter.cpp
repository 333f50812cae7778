#include <ditharos/nn/parameter.h>

#include <ditharos/tensor/kernels/copy/copy.h>

namespace ditharos::nn {
namespace {
constinit thread_local bool shared = false;
}

Tensor OwnedTensor::copied(const Tensor& tensor) {
  if (shared || !tensor.defined()) return tensor;
  Tensor copy = kernels::to(tensor, tensor.dtype());
  if (tensor.requires_grad()) copy.set_requires_grad(true);
  return copy;
}

SharingScope::SharingScope() : before_(shared) { shared = true; }
SharingScope::~SharingScope() { shared = before_; }
bool sharing() { return shared; }

}  // namespace ditharos::nn
