// Dropout.
#include <ditharos/autograd/ops.h>
#include <ditharos/tensor/random.h>

namespace ditharos {

Tensor dropout(const Tensor& x, double p, Generator& rng) {
  check<ConfigError>(p >= 0 && p < 1, "[dropout] the probability must be in [0, 1), got ", p);
  if (p == 0) return x;
  check_floating("dropout", x.dtype());
  // Selected, not multiplied by 0: a dropped element contributes nothing, even if it is infinite.
  const Tensor kept = rng.bernoulli(1 - p, x.shape(), DType::boolean);
  return where(kept, x * (1 / (1 - p)), scalar(0, x.dtype()));
}

}  // namespace ditharos
