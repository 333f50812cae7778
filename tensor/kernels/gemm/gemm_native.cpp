#include <ditharos/tensor/kernels/gemm/gemm_native.h>

#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/gemm/gemm_native_isa.h>
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

}  // namespace ditharos::kernels
