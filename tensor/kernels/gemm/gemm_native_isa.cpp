// A blocked matrix product: blocks of A and B are packed in the order in which the micro-kernel reads them.
#include <ditharos/tensor/kernels/gemm/gemm_native_isa.h>
#include <ditharos/tensor/kernels/gemm/micro_gemm.h>
#include <ditharos/tensor/kernels/simd/vector_math.h>

namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

constexpr int64_t depth_of_block = 256;  // terms of the sum that are packed at a time
constexpr int64_t rows_of_a = 96;        // rows of A packed at a time: 96 KB, in the second-level cache
constexpr int64_t columns_of_b = 512;    // columns of B packed at a time

template <class T>
constexpr int64_t widest = most_vectors * lanes<T>;

/// B[p.., j..] as panels at most `widest` columns wide, each [k, width]; the last one is padded with zeros.
template <class T>
void pack_b(const Gemm<T>& g, int64_t first_row, int64_t k, int64_t first_column, int64_t n, T* to) {
  for (int64_t j = 0; j < n; j += widest<T>) {
    const int64_t used = min_of(widest<T>, n - j), width = padded<T>(used);
    for (int64_t p = 0; p < k; ++p) {
      const int64_t row = first_row + p, column = first_column + j;
      if (g.transpose_b) {
        for (int64_t l = 0; l < used; ++l) to[l] = g.b[(column + l) * g.ldb + row];
      } else {
        for (int64_t l = 0; l < used; ++l) to[l] = g.b[row * g.ldb + column + l];
      }
      for (int64_t l = used; l < width; ++l) to[l] = T(0);
      to += width;
    }
  }
}

/// A[i.., p..] row-major, so that the micro-kernel finds its rows close together.
template <class T>
void pack_a(const Gemm<T>& g, int64_t first_row, int64_t m, int64_t first_column, int64_t k, T* to) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t p = 0; p < k; ++p)
      to[i * k + p] = g.transpose_a ? g.a[(first_column + p) * g.lda + first_row + i]
                                    : g.a[(first_row + i) * g.lda + first_column + p];
}

/// C = bias or zero, or C += bias: afterwards every block only adds.
template <class T>
void prepare_c(const Gemm<T>& g) {
  for (int64_t i = 0; i < g.m; ++i) {
    T* row = g.c + i * g.ldc;
    if (g.accumulate && g.bias) {
      for (int64_t j = 0; j < g.n; ++j) row[j] += g.bias[j];
    } else if (g.bias) {
      for (int64_t j = 0; j < g.n; ++j) row[j] = g.bias[j];
    } else if (!g.accumulate) {
      for (int64_t j = 0; j < g.n; ++j) row[j] = T(0);
    }
  }
}

/// C[m, n] += packed A times packed B, panel by panel.
template <class T>
void multiply_packed(int64_t m, int64_t n, int64_t k, const T* a, const T* b, T* c, int64_t ldc, T* edge) {
  for (int64_t j = 0; j < n; j += widest<T>) {
    const int64_t used = min_of(widest<T>, n - j), width = padded<T>(used);
    if (used == width) {
      panel_of_width(width, m, k, a, k, int64_t(1), b, width, c + j, ldc, true);
    } else {  // the block would exceed C's columns: compute it in a buffer
      panel_of_width(width, m, k, a, k, int64_t(1), b, width, edge, width, false);
      for (int64_t i = 0; i < m; ++i)
        for (int64_t l = 0; l < used; ++l) c[i * ldc + j + l] += edge[i * width + l];
    }
    b += k * width;
  }
}

/// A product whose operands are in the first-level cache: A is read where it is, and B too if its rows are contiguous
/// and fill whole steps.
template <class T>
void small_tile(const Gemm<T>& g, T* scratch) {
  const int64_t row_a = g.transpose_a ? 1 : g.lda, column_a = g.transpose_a ? g.lda : 1;
  const bool add = g.accumulate || g.bias;
  if (add) prepare_c(g);
  const bool in_place = !g.transpose_b && g.n % column_step<T> == 0;
  T* edge = scratch + (g.n + widest<T>)*g.k;  // behind a packed B
  if (!in_place) pack_b(g, 0, g.k, 0, g.n, scratch);
  for (int64_t j = 0; j < g.n; j += widest<T>) {
    const int64_t used = min_of(widest<T>, g.n - j), width = in_place ? used : padded<T>(used);
    const T* b = in_place ? g.b + j : scratch + j * g.k;
    const int64_t ldb = in_place ? g.ldb : width;
    if (used == width) {
      panel_of_width(width, g.m, g.k, g.a, row_a, column_a, b, ldb, g.c + j, g.ldc, add);
    } else {
      panel_of_width(width, g.m, g.k, g.a, row_a, column_a, b, ldb, edge, width, false);
      for (int64_t i = 0; i < g.m; ++i)
        for (int64_t l = 0; l < used; ++l) {
          T& c = g.c[i * g.ldc + j + l];
          c = add ? c + edge[i * width + l] : edge[i * width + l];
        }
    }
  }
}

template <class T>
void tile(const Gemm<T>& g, T* scratch) {
  if (g.m <= rows_of_a && g.k <= depth_of_block && g.m * g.n * g.k <= 1 << 14) return small_tile(g, scratch);
  T* packed_a = scratch;
  T* packed_b = packed_a + rows_of_a * depth_of_block;
  T* edge = packed_b + columns_of_b * depth_of_block;
  prepare_c(g);
  for (int64_t j = 0; j < g.n; j += columns_of_b) {
    const int64_t n = min_of(columns_of_b, g.n - j);
    for (int64_t p = 0; p < g.k; p += depth_of_block) {
      const int64_t k = min_of(depth_of_block, g.k - p);
      pack_b(g, p, k, j, n, packed_b);
      for (int64_t i = 0; i < g.m; i += rows_of_a) {
        const int64_t m = min_of(rows_of_a, g.m - i);
        pack_a(g, i, m, p, k, packed_a);
        multiply_packed(m, n, k, packed_a, packed_b, g.c + i * g.ldc + j, g.ldc, edge);
      }
    }
  }
}

}  // namespace
}  // namespace DITHAROS_ISA

const GemmKernels& GemmKernels::DITHAROS_ISA() {
  using namespace ditharos::kernels::DITHAROS_ISA;
  static constexpr GemmKernels kernels{
      tile<float>, tile<double>,
      rows_of_a * depth_of_block + columns_of_b * depth_of_block + rows_of_a * most_vectors * lanes<float>};
  return kernels;
}

}  // namespace ditharos::kernels
