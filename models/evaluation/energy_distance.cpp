#include <ditharos/models/evaluation/energy_distance.h>

#include <ditharos/autograd/grad_mode.h>
#include <ditharos/autograd/ops.h>

namespace ditharos::models {
namespace {

/// The mean distance of a point of a from one of b, summed in double: the distances nearly cancel for similar sets.
double mean_distance(const Tensor& a, const Tensor& b) { return mean(to(cdist(a, b), DType::f64)).item(); }

}  // namespace

double energy_distance(const Tensor& x, const Tensor& y) {
  check<ShapeError>(x.rank() == 2 && y.rank() == 2 && x.size(1) == y.size(1) && x.size(0) > 0 && y.size(0) > 0,
                    "[energy_distance] needs points [N, D] and [M, D], got ", x.shape(), " and ", y.shape());
  const NoGrad no_grad;
  return 2 * mean_distance(x, y) - mean_distance(x, x) - mean_distance(y, y);
}

}  // namespace ditharos::models
