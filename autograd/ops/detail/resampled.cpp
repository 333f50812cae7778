#include <ditharos/autograd/ops/detail/resampled.h>

#include <memory>

#include <ditharos/autograd/node.h>

namespace ditharos {
namespace {

using SharedTaps = std::vector<std::shared_ptr<const kernels::Taps>>;

Tensor resampled(const char* op, const Tensor& x, const SharedTaps& taps, const SharedTaps& transposed) {
  return record("resample", kernels::resample(op, x, taps), {x}, save_nothing,
                each([=](const Backward& d) { return resampled("resample", d.grad(), transposed, taps); }),
                [&](const Tangents& d) { return resampled(op, d[0], taps, transposed); });
}

}  // namespace

Tensor resampled(const char* op, const Tensor& x, std::vector<kernels::Taps> taps) {
  SharedTaps shared, transposed;
  for (kernels::Taps& axis : taps) {
    transposed.push_back(std::make_shared<const kernels::Taps>(axis.transposed()));
    shared.push_back(std::make_shared<const kernels::Taps>(std::move(axis)));
  }
  return resampled(op, x, shared, transposed);
}

}  // namespace ditharos
