#include <ditharos/tensor/kernels/gemm/widen.h>

#include <utility>

#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/pointwise/convert_isa.h>
#include <ditharos/tensor/kernels/workspace.h>

namespace ditharos::kernels {
namespace {

thread_local Workspace left, right;

/// A matrix of bf16 in f32, without gaps between its rows.
const float* widened(const bfloat16* from, int64_t ld, bool transposed, int64_t rows, int64_t columns,
                     Workspace& memory) {
  if (transposed) std::swap(rows, columns);
  float* to = memory.get<float>(rows * columns);
  for (int64_t i = 0; i < rows; ++i) isa_kernels<ConvertKernels>().from_bf16(columns, from + i * ld, to + i * columns);
  return to;
}

}  // namespace

Gemm<float> widened(const Gemm<float, bfloat16>& g) {
  Gemm<float> wide{.m = g.m, .n = g.n, .k = g.k};
  wide.a = widened(g.a, g.lda, g.transpose_a, g.m, g.k, left);
  wide.lda = g.transpose_a ? g.m : g.k;
  wide.transpose_a = g.transpose_a;
  wide.b = widened(g.b, g.ldb, g.transpose_b, g.k, g.n, right);
  wide.ldb = g.transpose_b ? g.k : g.n;
  wide.transpose_b = g.transpose_b;
  wide.c = g.c;
  wide.ldc = g.ldc;
  wide.bias = g.bias;
  wide.accumulate = g.accumulate;
  return wide;
}

}  // namespace ditharos::kernels
