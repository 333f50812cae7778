// Indices that are computed rather than given.
#include <ditharos/tensor/kernels/index/positions.h>

#include <vector>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/index/index.h>
#include <ditharos/tensor/kernels/pointwise/select.h>

namespace ditharos::kernels {

Tensor nonzero(const Tensor& flags) {
  check<DTypeError>(flags.dtype() == DType::boolean, "[nonzero] takes booleans, got ", flags.dtype());
  const Tensor flat = contiguous(flags);
  const bool* p = flat.data<bool>();
  std::vector<int64_t> found;
  for (int64_t i = 0; i < flat.numel(); ++i)
    if (p[i]) found.push_back(i);
  return from_vector(found);
}

Tensor nonzero_indices(const Tensor& x) {
  const Tensor flags = x.dtype() == DType::boolean ? x : compare(Compare::ne, x, scalar(0, x.dtype()));
  const Tensor flat = nonzero(flags);
  const int64_t count = flat.numel();
  const int64_t* from = flat.data<int64_t>();
  Tensor out({count, x.rank()}, DType::i64);
  int64_t* to = out.mutable_data<int64_t>();
  for (int64_t k = 0; k < count; ++k) {
    int64_t rest = from[k];
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      to[k * x.rank() + axis] = rest % x.shape()[axis];
      rest /= x.shape()[axis];
    }
  }
  return out;
}

Tensor repeated_indices(const char* op, const Tensor& counts) {
  const Tensor flat = contiguous(counts);
  const int64_t* count = flat.data<int64_t>();
  std::vector<int64_t> from;
  for (int64_t i = 0; i < flat.numel(); ++i) {
    check<ShapeError>(count[i] >= 0, "[", op, "] a count cannot be negative, got ", count[i]);
    from.insert(from.end(), size_t(count[i]), i);
  }
  return from_vector(from);
}

}  // namespace ditharos::kernels
