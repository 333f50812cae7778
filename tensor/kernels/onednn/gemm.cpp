#include <ditharos/tensor/kernels/onednn/gemm.h>

#include <ditharos/tensor/kernels/onednn/matmul.h>
#include <ditharos/tensor/kernels/onednn/primitive_cache.h>

namespace ditharos::kernels::onednn {
namespace {

using dnnl::memory;

/// The key of a primitive.
struct Key {
  int64_t m, n, k, lda, ldb, ldc;
  int32_t threads;
  bool transpose_a, transpose_b, bias, accumulate;
  friend bool operator==(const Key&, const Key&) = default;
};

template <class T>
memory::desc matrix(int64_t rows, int64_t columns, int64_t ld, bool transposed) {
  return {{rows, columns}, type_of<T>(), transposed ? memory::dims{1, ld} : memory::dims{ld, 1}};
}

template <class T, class In>
std::unique_ptr<Matmul> create(const Key& key) {
  const MatmulLayouts layouts{matrix<In>(key.m, key.k, key.lda, key.transpose_a),
                              matrix<In>(key.k, key.n, key.ldb, key.transpose_b),
                              key.bias ? matrix<ProductOf<T>>(1, key.n, key.n, false) : memory::desc(),
                              matrix<T>(key.m, key.n, key.ldc, false)};
  dnnl::primitive_attr with = attributes();
  if (key.accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.f);
    with.set_post_ops(sum);
  }
  auto matmul = create_if_supported<Matmul>(layouts, with);
  // For some layouts of bf16 oneDNN has only loops without vectors, which are slower than a product of f32.
  return std::is_same_v<In, bfloat16> && matmul && matmul->is_reference() ? nullptr : std::move(matmul);
}

template <class T, class In>
bool run(const Gemm<T, In>& g, int threads) {
  static thread_local PrimitiveCache<Key, Matmul> cache(4096);
  const Key key{g.m,         g.n, g.k, g.lda, g.ldb, g.ldc, threads, g.transpose_a, g.transpose_b, g.bias != nullptr,
                g.accumulate};
  const auto body = [&] {
    Matmul* matmul = cache.find_or_create(key, [&] { return create<T, In>(key); });
    if (matmul) matmul->run(g.a, g.b, g.bias, g.c);
    return matmul != nullptr;
  };
  return on_threads(threads, body, "[matmul] oneDNN failed: ");
}

}  // namespace

bool gemm_tile(const Gemm<float>& g) { return run(g, 1); }
bool gemm_tile(const Gemm<float, bfloat16>& g) { return run(g, 1); }
bool gemm_tile(const Gemm<bfloat16, bfloat16>& g) { return run(g, 1); }
bool gemm_on_threads(const Gemm<float>& g, int threads) { return run(g, threads); }

}  // namespace ditharos::kernels::onednn
