// Sums and means of the elements that are not NaN.
#include <ditharos/autograd/node.h>
#include <ditharos/autograd/ops.h>
#include <ditharos/autograd/ops/detail/axes.h>

namespace ditharos {

Tensor nansum(const Tensor& x, const AxisOrAxes& axes, bool keepdim) {
  ReducedAxes("nansum", x.shape(), axes);  // checks the axes
  return is_floating(x.dtype()) ? sum(where(isnan(x), 0, x), axes, keepdim) : sum(x, axes, keepdim);
}

Tensor nanmean(const Tensor& x, const AxisOrAxes& axes, bool keepdim) {
  check_floating("nanmean", x.dtype());
  ReducedAxes("nanmean", x.shape(), axes);
  const Tensor missing = isnan(x), numbers = sum(logical_not(missing), axes, keepdim);
  return sum(where(missing, 0, x), axes, keepdim) / to(numbers, x.dtype());
}

}  // namespace ditharos
