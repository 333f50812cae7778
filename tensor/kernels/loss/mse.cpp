#include <ditharos/tensor/kernels/loss/mse.h>

#include <algorithm>
#include <vector>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/loss/mse_isa.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::kernels {
namespace {

template <class T>
const MseLoops<T>& loops();
template <>
const MseLoops<float>& loops() {
  return isa_kernels<MseKernels>().f32;
}
template <>
const MseLoops<double>& loops() {
  return isa_kernels<MseKernels>().f64;
}

constexpr int64_t chunk = 16384;  // elements; the sums of chunks are added in order

void check_pair(const Tensor& prediction, const Tensor& target) {
  check<ShapeError>(prediction.shape() == target.shape(), "[mse] the prediction has shape ", prediction.shape(),
                    ", the target ", target.shape(), "; they must be equal");
  check<DTypeError>(prediction.dtype() == target.dtype(), "[mse] the prediction is ", prediction.dtype(),
                    ", the target ", target.dtype(), "; convert one of them");
}

}  // namespace

Tensor mse(const Tensor& prediction, const Tensor& target) {
  check_pair(prediction, target);
  const Tensor a = contiguous(prediction), b = contiguous(target);
  const int64_t n = a.numel(), chunks = (n + chunk - 1) / chunk;
  double total = 0;
  visit_floating("mse", a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *ap = a.data<T>(), *bp = b.data<T>();
    std::vector<double> partial(static_cast<size_t>(chunks));
    parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c)
        partial[size_t(c)] = loops<T>().sum(std::min(chunk, n - c * chunk), ap + c * chunk, bp + c * chunk);
    });
    for (const double value : partial) total += value;
  });
  return scalar(total / double(n), a.dtype());
}

Tensor mse_backward(const Tensor& grad, const Tensor& prediction, const Tensor& target) {
  check_pair(prediction, target);
  check<ShapeError>(grad.numel() == 1, "[mse] the gradient of the mean has one element, got ", grad.shape());
  const Tensor a = contiguous(prediction), b = contiguous(target), out(a.shape(), a.dtype());
  const double factor = 2 * grad.item() / double(a.numel());
  visit_floating("mse", a.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *ap = a.data<T>(), *bp = b.data<T>();
    T* to = out.mutable_data<T>();
    parallel_for(a.numel(), chunk, [&](int64_t begin, int64_t end) {
      loops<T>().difference(end - begin, ap + begin, bp + begin, T(factor), to + begin);
    });
  });
  return out;
}

}  // namespace ditharos::kernels
