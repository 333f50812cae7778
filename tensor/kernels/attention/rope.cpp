#include <ditharos/tensor/kernels/attention/rope.h>

#include <algorithm>

#include <ditharos/tensor/kernels/attention/rope_isa.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos::kernels {
namespace {

template <class T>
const RopeLoops<T>& loops();
template <>
const RopeLoops<float>& loops() {
  return isa_kernels<RopeKernels>().f32;
}
template <>
const RopeLoops<double>& loops() {
  return isa_kernels<RopeKernels>().f64;
}

/// Least number of elements per thread.
constexpr int64_t grain = 16384;

void check_table(const char* name, const Tensor& table, const Shape& shape, DType dtype) {
  check<ShapeError>(table.shape() == shape, "[rope] the ", name, " must have shape [T, head size / 2] = ", shape,
                    ", got ", table.shape());
  check<DTypeError>(table.dtype() == dtype, "[rope] the ", name, " are ", table.dtype(), ", qkv is ", dtype);
}

}  // namespace

Tensor rope(const Tensor& qkv, const Tensor& cosines, const Tensor& sines, int64_t heads, bool interleaved,
            const Tensor& into) {
  check<ShapeError>(qkv.rank() == 3 && heads >= 1 && qkv.size(2) % (6 * heads) == 0,
                    "[rope] needs qkv [B, T, 3 D] with D divisible by twice the number of heads, ", heads, ", got ",
                    qkv.shape());
  const int64_t tokens = qkv.size(1), width = qkv.size(2) / 3, half = width / heads / 2;
  check_table("cosines", cosines, {tokens, half}, qkv.dtype());
  check_table("sines", sines, {tokens, half}, qkv.dtype());
  check<ShapeError>(!into.defined() || (into.shape() == qkv.shape() && into.is_contiguous()),
                    "[rope] the result's place must be contiguous and of shape ", qkv.shape());
  const Tensor in = contiguous(qkv), cosine_rows = contiguous(cosines), sine_rows = contiguous(sines);
  const Tensor out = into.defined() ? into : Tensor(qkv.shape(), qkv.dtype());
  visit_floating("rope", qkv.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *from = in.data<T>(), *c = cosine_rows.data<T>(), *s = sine_rows.data<T>();
    T* to = out.mutable_data<T>();
    const auto rotate = interleaved ? loops<T>().rotate_interleaved : loops<T>().rotate;
    parallel_for(qkv.size(0) * tokens, 1 + grain / std::max<int64_t>(3 * width, 1), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const T* x = from + row * 3 * width;
        T* y = to + row * 3 * width;
        const int64_t angles = row % tokens * half;
        rotate(2 * heads, half, x, c + angles, s + angles, y);
        if (y != x) std::copy(x + 2 * width, x + 3 * width, y + 2 * width);
      }
    });
  });
  return out;
}

}  // namespace ditharos::kernels
