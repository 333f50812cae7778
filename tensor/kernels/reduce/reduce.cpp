#include <ditharos/tensor/kernels/reduce/reduce.h>

#include <algorithm>
#include <vector>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/reduce/pairwise.h>
#include <ditharos/tensor/kernels/reduce/reduce_isa.h>
#include <ditharos/tensor/kernels/reduce/sum_plan.h>
#include <ditharos/tensor/view.h>

namespace ditharos::kernels {
namespace {

const ReduceKernels& loops() { return isa_kernels<ReduceKernels>(); }

/// Sums x over the marked axes into a tensor of shape `kept`: x's shape with 1 for these axes.
Tensor sum_marked(const Tensor& x, const bool* reduced, const Shape& kept) {
  if (!is_floating(x.dtype()) && x.dtype() != DType::i64) return sum_marked(to(x, DType::i64), reduced, kept);
  check_full_precision("sum", x.dtype());
  Tensor out(kept, x.dtype());
  if (x.numel() == 0) {
    fill(out, 0);
    return out;
  }
  Strides out_strides = out.strides();
  for (int i = 0; i < x.rank(); ++i)
    if (reduced[i]) out_strides[i] = 0;
  const SumPlan plan(x.shape(), x.strides(), out_strides);
  switch (x.dtype()) {
    case DType::f32: run_sum(plan, loops().f32, x.data<float>(), out.mutable_data<float>()); break;
    case DType::f64: run_sum(plan, loops().f64, x.data<double>(), out.mutable_data<double>()); break;
    default:
      run_sum(plan, loops().u64, reinterpret_cast<const uint64_t*>(x.data<int64_t>()),
              reinterpret_cast<uint64_t*>(out.mutable_data<int64_t>()));
  }
  return out;
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keepdim) {
  bool reduced[Shape::max_rank] = {};
  for (int64_t axis : axes) {
    const int a = normalize_axis("sum", axis, x.rank());
    check<ShapeError>(!reduced[a], "[sum] axes ", axes, " list an axis twice");
    reduced[a] = true;
  }
  Shape kept, squeezed;
  for (int i = 0; i < x.rank(); ++i) {
    if (axes.empty()) reduced[i] = true;
    kept.push_back(reduced[i] ? 1 : x.shape()[i]);
    if (!reduced[i]) squeezed.push_back(x.shape()[i]);
  }
  const Tensor out = sum_marked(x, reduced, kept);
  return keepdim ? out : views::reshape(out, squeezed);
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  check<ShapeError>(broadcastable_to(shape, x.shape()), "[sum_to] shape ", x.shape(), " does not sum down to ", shape);
  const int lead = x.rank() - shape.rank();
  bool reduced[Shape::max_rank] = {};
  Shape kept;
  for (int i = 0; i < x.rank(); ++i) {
    reduced[i] = i < lead || (shape[i - lead] == 1 && x.shape()[i] != 1);
    kept.push_back(reduced[i] ? 1 : x.shape()[i]);
  }
  return views::reshape(sum_marked(x, reduced, kept), shape);
}

double sum_of_squares(const Tensor& x) {
  return visit_floating("sum_of_squares", x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const Tensor flat = contiguous(x);
    const T* p = flat.data<T>();
    const int64_t n = x.numel(), chunks = (n + sum_chunk - 1) / sum_chunk;
    std::vector<double> partial(static_cast<size_t>(chunks));
    const ReduceKernels& kernels = loops();
    parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        const T* first = p + c * sum_chunk;
        const int64_t count = std::min(sum_chunk, n - c * sum_chunk);
        if constexpr (std::is_same_v<T, float>) partial[size_t(c)] = kernels.sum_of_squares_f32(first, count);
        else partial[size_t(c)] = kernels.sum_of_squares_f64(first, count);
      }
    });
    PairwiseSum<double> total;
    for (double value : partial) total.add(value);
    return total.result();
  });
}

}  // namespace ditharos::kernels
