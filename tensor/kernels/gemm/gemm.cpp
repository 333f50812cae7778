#include <ditharos/tensor/kernels/gemm/gemm.h>

#include <algorithm>
#include <type_traits>

#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/gemm/gemm_native.h>
#include <ditharos/tensor/kernels/gemm/gemm_tiles.h>
#include <ditharos/tensor/kernels/gemm/widen.h>
#include <ditharos/tensor/kernels/onednn/gemm.h>
#include <ditharos/tensor/kernels/pointwise/convert_isa.h>
#include <ditharos/tensor/kernels/workspace.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/storage.h>

namespace ditharos::kernels {
namespace {

/// The part of g that starts at row i, column j and term p of the sum.
template <class T, class In>
Gemm<T, In> part(Gemm<T, In> g, int64_t i, int64_t j, int64_t p, const GemmTiles& tiles) {
  g.a += g.transpose_a ? p * g.lda + i : i * g.lda + p;
  g.b += g.transpose_b ? j * g.ldb + p : p * g.ldb + j;
  g.c += i * g.ldc + j;
  if (g.bias) g.bias += j;
  g.m = std::min(tiles.rows, g.m - i);
  g.n = std::min(tiles.columns, g.n - j);
  g.k = std::min(tiles.depth, g.k - p);
  return g;
}

/// C for an empty sum: bias or zero, added to C or written.
template <class T, class In>
void empty_sum(const Gemm<T, In>& g) {
  for (int64_t i = 0; i < g.m; ++i)
    for (int64_t j = 0; j < g.n; ++j) {
      const ProductOf<T> bias = g.bias ? g.bias[j] : ProductOf<T>(0);
      g.c[i * g.ldc + j] = T(g.accumulate ? ProductOf<T>(g.c[i * g.ldc + j]) + bias : bias);
    }
}

/// Adds the results of the later pieces of the sum, in order. partial [pieces, m, n].
template <class T, class In>
void add_in_order(const Gemm<T, In>& g, const T* partial, int64_t pieces) {
  parallel_for(g.m, std::max<int64_t>(1, 16384 / (g.n * pieces)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t p = 0; p < pieces; ++p) {
        const T* row = partial + (p * g.m + i) * g.n;
        for (int64_t j = 0; j < g.n; ++j) g.c[i * g.ldc + j] = T(g.c[i * g.ldc + j] + row[j]);
      }
  });
}

/// Splits g into pieces, calls tile(piece) for each, and then(piece) when it is final. The first piece of every sum is
/// written to C, with bias and accumulation; the others to a buffer.
template <class T, class In, class Tile, class Then>
void run_tiles(const Gemm<T, In>& g, const Tile& tile, const Then& then) {
  if (g.m <= 0 || g.n <= 0) return;
  if (g.k <= 0) {
    empty_sum(g);
    return then(g);
  }
  GemmTiles tiles = gemm_tiles(g.m, g.n, g.k, g.transpose_a, g.transpose_b);
  if (is_reduced_float<T>) tiles.depth = g.k;  // parts of a sum would be rounded
  const int64_t rows = tiles.count_rows(g.m), columns = tiles.count_columns(g.n), depth = tiles.count_depth(g.k);
  Storage partial(sizeof(T) * static_cast<size_t>((depth - 1) * g.m * g.n));
  T* sums = static_cast<T*>(partial.data());
  parallel_tasks(rows * columns * depth, [&](int64_t task) {
    const int64_t p = task % depth, j = task / depth % columns * tiles.columns, i = task / depth / columns * tiles.rows;
    Gemm<T, In> piece = part(g, i, j, p * tiles.depth, tiles);
    if (p > 0) {
      piece.c = sums + (p - 1) * g.m * g.n + i * g.n + j;
      piece.ldc = g.n;
      piece.bias = nullptr;
      piece.accumulate = false;
    }
    tile(piece);
    if (depth == 1) then(piece);
  });
  if (depth == 1) return;
  add_in_order(g, sums, depth - 1);
  parallel_tasks(rows * columns, [&](int64_t task) {
    then(part(g, task / columns * tiles.rows, task % columns * tiles.columns, 0, tiles));
  });
}

void tile_of(const Gemm<double>& g) { gemm_tile_native(g); }
void tile_of(const Gemm<float>& g) {
#ifdef DITHAROS_HAS_ONEDNN
  if (onednn::gemm_tile(g)) return;
#endif
  gemm_tile_native(g);
}

void tile_of(const Gemm<float, bfloat16>& g) {
#ifdef DITHAROS_HAS_ONEDNN
  if (active_isa() == Isa::avx512_bf16 && onednn::gemm_tile(g)) return;
#endif
  tile_of(widened(g));
}

thread_local Workspace unrounded;

void tile_of(const Gemm<bfloat16, bfloat16>& g) {
#ifdef DITHAROS_HAS_ONEDNN
  if (active_isa() == Isa::avx512_bf16 && onednn::gemm_tile(g)) return;
#endif
  float* sums = unrounded.get<float>(g.m * g.n);
  tile_of(Gemm<float, bfloat16>{.m = g.m,
                                .n = g.n,
                                .k = g.k,
                                .a = g.a,
                                .lda = g.lda,
                                .transpose_a = g.transpose_a,
                                .b = g.b,
                                .ldb = g.ldb,
                                .transpose_b = g.transpose_b,
                                .c = sums,
                                .ldc = g.n,
                                .bias = g.bias});
  for (int64_t i = 0; i < g.m; ++i) isa_kernels<ConvertKernels>().to_bf16(g.n, sums + i * g.n, g.c + i * g.ldc);
}

#ifdef DITHAROS_HAS_ONEDNN
/// With a leading dimension of a multiple of 4 KB all rows of B map to the same few cache sets, and oneDNN runs at half
/// its speed on some CPUs. With many rows of A, a copy with another leading dimension costs little.
bool better_with_copied_b(const Gemm<float>& g) {
  return g.m >= 512 && g.n >= 16 && g.k >= 16 && !g.transpose_b && g.ldb % 1024 == 0;
}

template <class Then>
void run_with_copied_b(Gemm<float> g, const Then& then) {
  const int64_t ld = (g.n + 15) / 16 * 16 + 16;
  Storage copy(sizeof(float) * static_cast<size_t>(g.k * ld));
  float* b = static_cast<float*>(copy.data());
  parallel_for(g.k, std::max<int64_t>(1, 16384 / g.n), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) std::copy_n(g.b + p * g.ldb, g.n, b + p * ld);
  });
  g.b = b;
  g.ldb = ld;
  run_tiles(g, [](const Gemm<float>& piece) { tile_of(piece); }, then);
}
#endif

/// Products of a batch that take less time than a call of oneDNN.
template <class T, class In>
bool is_small(const Gemm<T, In>& g) {
  return std::is_same_v<In, float> && g.k > 0 && g.m * g.n * g.k <= 1 << 14;
}
template <class T, class In>
void run_small(const Gemm<T, In>& g) {
  if constexpr (std::is_same_v<T, In>) gemm_tile_native(g);
}

struct Nothing {
  template <class T, class In>
  void operator()(const Gemm<T, In>&) const {}
};

template <class T, class In, class Then>
void run(const Gemm<T, In>& g, const Then& then) {
  count_flops(2.0 * double(g.m) * double(g.n) * double(g.k));
#ifdef DITHAROS_HAS_ONEDNN
  if constexpr (std::is_same_v<In, float>)
    if (better_with_copied_b(g)) return run_with_copied_b(g, then);
#endif
  run_tiles(g, [](const Gemm<T, In>& piece) { tile_of(piece); }, then);
}

}  // namespace

void gemm(const Gemm<float>& g) { run(g, Nothing{}); }
void gemm(const Gemm<double>& g) { run(g, Nothing{}); }
void gemm(const Gemm<float, bfloat16>& g) { run(g, Nothing{}); }
void gemm(const Gemm<bfloat16, bfloat16>& g) { run(g, Nothing{}); }

template <class T, class In>
void gemm_then(const Gemm<T, In>& g, FunctionRef<void(const Gemm<T, In>&)> then) {
  run(g, then);
}
template void gemm_then(const Gemm<float>& g, FunctionRef<void(const Gemm<float>&)> then);
template void gemm_then(const Gemm<double>& g, FunctionRef<void(const Gemm<double>&)> then);
template void gemm_then(const Gemm<float, bfloat16>& g, FunctionRef<void(const Gemm<float, bfloat16>&)> then);
template void gemm_then(const Gemm<bfloat16, bfloat16>& g, FunctionRef<void(const Gemm<bfloat16, bfloat16>&)> then);

template <class T>
void gemm_native(const Gemm<T>& g) {
  run_tiles(g, [](const Gemm<T>& piece) { gemm_tile_native(piece); }, Nothing{});
}
template void gemm_native(const Gemm<float>& g);
template void gemm_native(const Gemm<double>& g);

template <class T, class In>
void gemm_batched(const Gemm<T, In>& g, int64_t batch, FunctionRef<GemmOffsets(int64_t)> offsets) {
  if (batch <= 0 || g.m <= 0 || g.n <= 0) return;
  if (batch == 1) {
    const GemmOffsets offset = offsets(0);
    Gemm<T, In> only = g;
    only.a += offset.a;
    only.b += offset.b;
    only.c += offset.c;
    return gemm(only);
  }
  count_flops(2.0 * double(batch) * double(g.m) * double(g.n) * double(g.k));
  GemmTiles tiles = gemm_tiles(g.m, g.n, std::max<int64_t>(g.k, 1), g.transpose_a, g.transpose_b);
  tiles.depth = std::max<int64_t>(g.k, 1);  // the batch gives enough pieces: sums are not split
  const int64_t columns = tiles.count_columns(g.n), pieces = tiles.count_rows(g.m) * columns;
  const double work = 2.0 * static_cast<double>(tiles.rows * tiles.columns) * static_cast<double>(g.k);
  const int64_t grain = 1 + static_cast<int64_t>(1e6 / (work + 1e3));
  const bool small = is_small(g);
  parallel_for(batch * pieces, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t entry = task / pieces, i = task % pieces / columns * tiles.rows, j = task % columns * tiles.columns;
      Gemm<T, In> piece = part(g, i, j, 0, tiles);
      const GemmOffsets offset = offsets(entry);
      piece.a += offset.a;
      piece.b += offset.b;
      piece.c += offset.c;
      if (small) run_small(piece);
      else if (g.k > 0) tile_of(piece);
      else empty_sum(piece);
    }
  });
}
template void gemm_batched(const Gemm<float>&, int64_t, FunctionRef<GemmOffsets(int64_t)>);
template void gemm_batched(const Gemm<double>&, int64_t, FunctionRef<GemmOffsets(int64_t)>);
template void gemm_batched(const Gemm<float, bfloat16>&, int64_t, FunctionRef<GemmOffsets(int64_t)>);

}  // namespace ditharos::kernels
