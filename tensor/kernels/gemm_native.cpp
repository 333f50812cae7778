#include <algorithm>

#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/gemm_tile.h>
#include <ditharos/tensor/kernels/isa/gemm_native_isa.h>
#include <ditharos/tensor/kernels/workspace.h>

namespace ditharos::kernels {
namespace {

thread_local Workspace scratch;

}  // namespace

template <>
void gemm_tile_native(const Gemm<float>& g) {
  const GemmKernels& kernels = isa_kernels<GemmKernels>();
  kernels.tile_f32(g, scratch.get<float>(kernels.scratch_elements));
}

template <>
void gemm_tile_native(const Gemm<double>& g) {
  const GemmKernels& kernels = isa_kernels<GemmKernels>();
  kernels.tile_f64(g, scratch.get<double>(kernels.scratch_elements));
}

template <class T>
void transpose_matrix(const T* src, int64_t rows, int64_t columns, int64_t ld_src, T* dst, int64_t ld_dst) {
  const GemmKernels& kernels = isa_kernels<GemmKernels>();
  constexpr int64_t strip = 32;  // columns of src, rows of dst
  const int64_t strips = (columns + strip - 1) / strip;
  parallel_for(strips, 1 + 16384 / (strip * rows + 1), [&](int64_t begin, int64_t end) {
    const int64_t first = begin * strip, width = std::min(end * strip, columns) - first;
    T* to = dst + first * ld_dst;
    if constexpr (sizeof(T) == sizeof(float)) kernels.transpose_f32(src + first, rows, width, ld_src, to, ld_dst);
    else kernels.transpose_f64(src + first, rows, width, ld_src, to, ld_dst);
  });
}
template void transpose_matrix(const float*, int64_t, int64_t, int64_t, float*, int64_t);
template void transpose_matrix(const double*, int64_t, int64_t, int64_t, double*, int64_t);

}  // namespace ditharos::kernels
