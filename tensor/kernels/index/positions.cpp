// Indices that are computed rather than given.
#include <ditharos/tensor/kernels/index/positions.h>

#include <algorithm>
#include <vector>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/index/index.h>

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

Tensor padding_indices(Edge edge, int64_t size, int64_t before, int64_t after) {
  std::vector<int64_t> from;
  for (int64_t i = -before; i < size + after; ++i) {
    const int64_t mirrored = i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
    from.push_back(edge == Edge::reflect ? mirrored : std::clamp<int64_t>(i, 0, size - 1));
  }
  return from_vector(from);
}

}  // namespace ditharos::kernels
