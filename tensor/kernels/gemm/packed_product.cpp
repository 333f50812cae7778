#include <ditharos/tensor/kernels/gemm/packed_product.h>

#include <algorithm>
#include <type_traits>
#include <vector>

#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/gemm/gemm_native.h>
#include <ditharos/tensor/kernels/gemm/widen.h>
#include <ditharos/tensor/kernels/onednn/packed_product.h>

namespace ditharos::kernels {
namespace {

template <class In>
Gemm<float, In> product(int64_t m, int64_t n, int64_t k, const In* a, const In* weight, float* c, const float* bias) {
  Gemm<float, In> g;
  g.m = m, g.n = n, g.k = k;
  g.a = a, g.lda = k;
  g.b = weight, g.ldb = k, g.transpose_b = true;
  g.c = c, g.ldc = n;
  g.bias = bias;
  return g;
}

void multiply(const FloatProduct&, int64_t m, int64_t n, int64_t k, const float* a, const float* weight, float* c,
              const float* bias) {
  gemm_tile_native(product(m, n, k, a, weight, c, bias));
}

void multiply(const BfloatProduct&, int64_t m, int64_t n, int64_t k, const bfloat16* a, const bfloat16* weight,
              float* c, const float* bias) {
  gemm_tile_native(widened(product(m, n, k, a, weight, c, bias)));
}

void multiply(const ByteProduct&, int64_t m, int64_t n, int64_t k, const uint8_t* a, const int8_t* weight, int32_t* c,
              const int32_t*) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      const uint8_t* left = a + i * k;
      const int8_t* right = weight + j * k;
      int32_t sum = 0;
      for (int64_t p = 0; p < k; ++p) sum += int32_t(left[p]) * int32_t(right[p]);
      c[i * n + j] = sum;
    }
}

template <class Kind>
class NativeProduct : public PackedProduct<Kind> {
 public:
  NativeProduct(const typename Kind::Weight* weight, int64_t n, int64_t k)
      : n_(n), k_(k), weight_(weight, weight + n * k) {}

  void run(int64_t m, const typename Kind::Left* a, typename Kind::Result* c,
           const typename Kind::Result* bias) const override {
    multiply(Kind{}, m, n_, k_, a, weight_.data(), c, bias);
  }

 private:
  int64_t n_, k_;
  std::vector<typename Kind::Weight> weight_;
};

}  // namespace

template <class Kind>
PackedProductPtr<Kind> pack_native(const typename Kind::Weight* weight, int64_t n, int64_t k) {
  return std::make_unique<const NativeProduct<Kind>>(weight, n, k);
}
template PackedProductPtr<FloatProduct> pack_native<FloatProduct>(const float* weight, int64_t n, int64_t k);
template PackedProductPtr<BfloatProduct> pack_native<BfloatProduct>(const bfloat16* weight, int64_t n, int64_t k);
template PackedProductPtr<ByteProduct> pack_native<ByteProduct>(const int8_t* weight, int64_t n, int64_t k);

template <class Kind>
PackedProductPtr<Kind> pack(const typename Kind::Weight* weight, int64_t n, int64_t k) {
#ifdef DITHAROS_HAS_ONEDNN
  const bool fast = !std::is_same_v<Kind, BfloatProduct> || active_isa() == Isa::avx512_bf16;
  if (PackedProductPtr<Kind> packed = fast ? onednn::pack<Kind>(weight, n, k) : nullptr) return packed;
#endif
  return pack_native<Kind>(weight, n, k);
}
template PackedProductPtr<FloatProduct> pack<FloatProduct>(const float* weight, int64_t n, int64_t k);
template PackedProductPtr<BfloatProduct> pack<BfloatProduct>(const bfloat16* weight, int64_t n, int64_t k);
template PackedProductPtr<ByteProduct> pack<ByteProduct>(const int8_t* weight, int64_t n, int64_t k);

int int8_weight_limit() {
#ifdef DITHAROS_HAS_ONEDNN
  return onednn::int8_weight_limit();
#else
  return 127;
#endif
}

}  // namespace ditharos::kernels
