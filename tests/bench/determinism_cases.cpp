// The cost of equal bits at every number of threads: products in fixed tiles, one thread each, against the same product
// in one call of oneDNN with its own threads. The shapes are those of DiT-S/2 at batch 8.
#include <ditharos/tensor/error.h>
#include <ditharos/tensor/kernels/gemm/gemm.h>
#include <ditharos/tensor/kernels/gemm/gemm_backend.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/random.h>
#include "tests/bench/bench.h"

namespace ditharos::bench {
namespace {

struct Product {
  const char* name;
  int64_t m, n, k;
  bool transpose_a, transpose_b;
};
constexpr int64_t rows = 8 * 256;
constexpr Product products[] = {
    {"qkv_forward", rows, 1152, 384, false, true},         {"qkv_input_gradient", rows, 384, 1152, false, false},
    {"qkv_weight_gradient", 1152, 384, rows, true, false}, {"fc1_forward", rows, 1536, 384, false, true},
    {"fc1_input_gradient", rows, 384, 1536, false, false}, {"fc1_weight_gradient", 1536, 384, rows, true, false},
    {"fc2_forward", rows, 384, 1536, false, true},         {"fc2_weight_gradient", 384, 1536, rows, true, false},
    {"proj_forward", rows, 384, 384, false, true},
};

kernels::Gemm<float> gemm_of(const Product& p, const Tensor& a, const Tensor& b, const Tensor& c) {
  kernels::Gemm<float> g;
  g.m = p.m, g.n = p.n, g.k = p.k;
  g.transpose_a = p.transpose_a, g.transpose_b = p.transpose_b;
  g.a = a.data<float>(), g.lda = p.transpose_a ? p.m : p.k;
  g.b = b.data<float>(), g.ldb = p.transpose_b ? p.k : p.n;
  g.c = c.mutable_data<float>(), g.ldc = p.n;
  return g;
}

Case product_case(const Product& p, bool fixed_tiles) {
  return {std::string("determinism/") + p.name + (fixed_tiles ? "/fixed_tiles" : "/library_threads"), [=] {
            Generator rng(1);
            const Tensor a = rng.normal({p.m * p.k}), b = rng.normal({p.k * p.n}), c({p.m * p.n});
            return Work{[=] {
                          const kernels::Gemm<float> g = gemm_of(p, a, b, c);
                          if (fixed_tiles) return kernels::gemm(g);
                          check(kernels::gemm_by_library_threads(g, num_threads()),
                                "this build has no oneDNN to compare with");
                        },
                        2.0 * double(p.m) * double(p.n) * double(p.k), 0};
          }};
}

}  // namespace

void add_determinism_cases(std::vector<Case>& cases) {
  for (const Product& p : products)
    for (const bool fixed_tiles : {true, false}) cases.push_back(product_case(p, fixed_tiles));
}

}  // namespace ditharos::bench
