// Matrix products against a plain loop in double: all layouts, sizes around the edges of tiles and micro-kernels.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/factory.h>
#include <ditharos/tensor/kernels/copy/copy.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/gemm/gemm.h>
#include <ditharos/tensor/kernels/gemm/gemm_tiles.h>
#include <ditharos/tensor/parallel.h>
#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/tensor_cases.h"

namespace ditharos {
namespace {

using kernels::gemm;
using kernels::Gemm;
using kernels::gemm_native;

/// Numbers in [-1, 1) that depend on the seed alone.
template <class T>
std::vector<T> numbers(int64_t n, uint64_t seed) {
  std::vector<T> v(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    const auto bits = philox(seed, static_cast<uint64_t>(i))[0];
    v[static_cast<size_t>(i)] = static_cast<T>(bits / 2147483648.0 - 1.0);
  }
  return v;
}

struct Case {
  int64_t m, n, k;
  bool transpose_a, transpose_b, bias, accumulate;
  int64_t padding = 0;  ///< added to every leading dimension
};

/// A product with its operands, and its result by the definition.
template <class T>
struct Product {
  explicit Product(const Case& c) {
    g.m = c.m, g.n = c.n, g.k = c.k;
    g.transpose_a = c.transpose_a, g.transpose_b = c.transpose_b, g.accumulate = c.accumulate;
    g.lda = std::max<int64_t>(1, c.transpose_a ? c.m : c.k) + c.padding;
    g.ldb = std::max<int64_t>(1, c.transpose_b ? c.k : c.n) + c.padding;
    g.ldc = std::max<int64_t>(1, c.n) + c.padding;
    a = numbers<T>(g.lda * std::max<int64_t>(1, c.transpose_a ? c.k : c.m), 1);
    b = numbers<T>(g.ldb * std::max<int64_t>(1, c.transpose_b ? c.n : c.k), 2);
    before = numbers<T>(g.ldc * std::max<int64_t>(1, c.m), 3);
    bias = numbers<T>(c.n, 4);
    g.a = a.data(), g.b = b.data(), g.bias = c.bias ? bias.data() : nullptr;
  }

  template <class Run>
  std::vector<T> run(const Run& f) {
    std::vector<T> c = before;
    g.c = c.data();
    f(g);
    return c;
  }

  long double expected(int64_t i, int64_t j) const {
    long double s = g.accumulate ? double(before[size_t(i * g.ldc + j)]) : 0.0;
    if (g.bias) s += bias[size_t(j)];
    for (int64_t p = 0; p < g.k; ++p) {
      const long double x = a[size_t(g.transpose_a ? p * g.lda + i : i * g.lda + p)];
      const long double y = b[size_t(g.transpose_b ? j * g.ldb + p : p * g.ldb + j)];
      s += x * y;
    }
    return s;
  }

  /// Largest error over that which rounding may cause in a sum of k terms; infinity when padding was touched.
  double error(const std::vector<T>& c) const {
    double worst = 0;
    for (int64_t i = 0; i < g.m; ++i)
      for (int64_t j = 0; j < g.ldc; ++j) {
        const T got = c[size_t(i * g.ldc + j)];
        if (j >= g.n) {
          if (got != before[size_t(i * g.ldc + j)]) return INFINITY;
        } else {
          const double unit = double(g.k + 2) * std::numeric_limits<T>::epsilon();
          const double e = std::abs(double(got - expected(i, j))) / unit;
          if (!(e <= worst)) worst = e;
        }
      }
    return worst;
  }

  Gemm<T> g;
  std::vector<T> a, b, before, bias;
};

template <class T>
void check_all(const Case& c) {
  Product<T> product(c);
  INFO("m ", c.m, " n ", c.n, " k ", c.k, " transposed ", c.transpose_a, c.transpose_b, " bias ", c.bias,
       " accumulate ", c.accumulate, " padding ", c.padding);
  CHECK(product.error(product.run([](const Gemm<T>& g) { gemm(g); })) < 1);
  CHECK(product.error(product.run([](const Gemm<T>& g) { gemm_native(g); })) < 1);
}

}  // namespace

TEST_CASE("gemm: every layout, with bias and accumulation, odd sizes") {
  for (const bool transpose_a : {false, true})
    for (const bool transpose_b : {false, true})
      for (const bool bias : {false, true})
        for (const bool accumulate : {false, true})
          for (const int64_t padding : {0, 3}) {
            const std::vector<std::array<int64_t, 3>> sizes{{1, 1, 1},    {7, 5, 3},  {49, 24, 49},
                                                            {65, 70, 67}, {1, 33, 9}, {33, 1, 9}};
            for (const auto& [m, n, k] : sizes) {
              const Case c{m, n, k, transpose_a, transpose_b, bias, accumulate, padding};
              check_all<float>(c);
              check_all<double>(c);
            }
          }
}

TEST_CASE("gemm: an empty sum is the bias or zero, an empty result is left alone") {
  for (const bool bias : {false, true})
    for (const bool accumulate : {false, true}) {
      check_all<float>({3, 4, 0, false, false, bias, accumulate, 1});
      check_all<double>({3, 4, 0, true, true, bias, accumulate, 1});
      check_all<float>({0, 4, 5, false, false, bias, accumulate});
      check_all<float>({4, 0, 5, false, true, bias, accumulate});
    }
}

TEST_CASE("gemm: products that are split into tiles, along the sum too") {
  check_all<float>({530, 40, 20, false, true, true, false});  // rows
  check_all<float>({520, 30, 70, false, true, true, true, 3});
  check_all<float>({515, 1024, 17, false, false, false, true});  // a leading dimension of 4 KB
  check_all<float>({10, 600, 300, false, true, true, false});    // columns
  check_all<float>({3, 1600, 20, false, false, true, false});    // wider than a tile may be
  for (const bool accumulate : {false, true}) {
    const Case deep{20, 30, 6000, true, false, true, accumulate, 2};  // the sum
    CHECK(kernels::gemm_tiles(deep.m, deep.n, deep.k, deep.transpose_a, deep.transpose_b).depth < deep.k);
    check_all<float>(deep);
    check_all<double>(deep);
  }
}

TEST_CASE("gemm: tiles of every shape fit into it") {
  for (const bool transpose_a : {false, true})
    for (int64_t m : {1, 24, 96, 3136, 20000})
      for (int64_t n : {1, 96, 2000})
        for (int64_t k : {1, 96, 50000}) {
          const auto t = kernels::gemm_tiles(m, n, k, transpose_a, !transpose_a);
          CHECK((1 <= t.rows && t.rows <= m));
          CHECK((1 <= t.columns && t.columns <= n));
          CHECK((1 <= t.depth && t.depth <= k));
          if (m > 512) CHECK(t.rows <= 512);
        }
}

TEST_CASE("gemm: the same bits at every thread count") {
  const tests::RestoreSettings restore;
  const std::vector<Case> cases{{3136, 96, 33, false, true, true, false},
                                {200, 96, 64, false, false, false, false},
                                {96, 48, 3136, true, false, false, true},
                                {20, 30, 6000, true, false, false, false},
                                {8, 576, 96, false, true, true, false}};
  for (const Case& c : cases) {
    Product<float> f(c);
    Product<double> d(c);
    set_num_threads(1);
    const auto one = f.run([](const auto& g) { gemm(g); });
    const auto one_native = f.run([](const auto& g) { gemm_native(g); });
    const auto one_double = d.run([](const auto& g) { gemm(g); });
    for (int threads : {2, 3, 4, 8}) {
      set_num_threads(threads);
      INFO("threads ", threads, " m ", c.m);
      CHECK(std::memcmp(one.data(), f.run([](const auto& g) { gemm(g); }).data(), one.size() * sizeof(float)) == 0);
      CHECK(std::memcmp(one_native.data(), f.run([](const auto& g) { gemm_native(g); }).data(),
                        one.size() * sizeof(float)) == 0);
      CHECK(std::memcmp(one_double.data(), d.run([](const auto& g) { gemm(g); }).data(), one.size() * sizeof(double)) ==
            0);
    }
  }
}

TEST_CASE("gemm_native: every instruction set that this CPU has") {
  const tests::RestoreSettings restore;
  for (kernels::Isa isa : {kernels::Isa::baseline, kernels::Isa::avx2, kernels::Isa::avx512}) {
    kernels::set_isa(isa);
    CAPTURE(kernels::name_of(kernels::active_isa()));
    for (int64_t n : {1, 3, 4, 8, 12, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 130, 600})
      for (int64_t m : {1, 2, 3, 5, 6, 7, 11, 13, 97}) {
        Product<float> f({m, n, 29, false, true, true, true});
        Product<double> d({m, n, 29, true, false, false, false});
        INFO("m ", m, " n ", n);
        CHECK(f.error(f.run([](const auto& g) { gemm_native(g); })) < 1);
        CHECK(d.error(d.run([](const auto& g) { gemm_native(g); })) < 1);
      }
    Product<float> deep({7, 9, 700, false, false, true, false});
    CHECK(deep.error(deep.run([](const auto& g) { gemm_native(g); })) < 1);
  }
}

TEST_CASE("gemm: NaN and infinity come through") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::vector<float> a{1, nan, 0, 1}, b{inf, 1, 0, 1};  // rows of A (1, NaN) and (0, 1)
  std::vector<float> c(4);
  Gemm<float> g;
  g.m = g.n = g.k = g.lda = g.ldb = g.ldc = 2;
  g.a = a.data(), g.b = b.data(), g.c = c.data();
  for (int native : {0, 1}) {
    native ? gemm_native(g) : gemm(g);
    CHECK(std::isnan(c[0]));
    CHECK(std::isnan(c[1]));
    CHECK(std::isnan(c[2]));  // 0 * infinity
    CHECK(c[3] == 1);
  }
}

}  // namespace ditharos
