// The random numbers: known answers, independence of threads and of the way of drawing, and statistics.
#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <vector>

#include <doctest/doctest.h>

#include <ditharos/tensor/random.h>
#include <ditharos/tensor/view.h>
#include "tests/support/tensor_cases.h"

namespace ditharos::tests {
namespace {

TEST_CASE("random: Philox 4x32-10 gives the known answers of Random123") {
  using Words = std::array<uint32_t, 4>;
  CHECK(philox(0, 0, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox(~0ull, ~0ull, ~0ull) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox(0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});  // the digits of pi
}

TEST_CASE("random: element i depends on seed and offset + i alone") {
  for_each_thread_count([] {
    for (DType dtype : {DType::f32, DType::f64}) {
      Generator once(5), pieces(5), later(5, 7000);
      const Tensor all = once.normal({20000}, dtype);
      CHECK(once.offset() == 20000);
      const Tensor head = pieces.normal({70, 100}, dtype), tail = pieces.normal({13000}, dtype);
      CHECK(same_bits(views::reshape(head, {7000}), views::slice(all, 0, 0, 7000, 1)));
      CHECK(same_bits(tail, views::slice(all, 0, 7000, 20000, 1)));
      CHECK(same_bits(later.normal({13000}, dtype), tail));
    }
  });
  Generator a(5), b(5), c(6);
  CHECK(a.uniform({1}, DType::f64).item() == b.uniform());
  CHECK(a.offset() == b.offset());
  CHECK_FALSE(same_bits(a.uniform({50}), c.uniform({50})));
}

TEST_CASE("random: the numbers of a seed stay the same for ever") {
  Generator g(1234);
  const std::vector<double> u = g.uniform({2}, DType::f64).to_vector<double>();
  const auto w = philox(1234, 0);
  CHECK(u[0] == double((uint64_t(w[1]) << 32 | w[0]) >> 11) / 9007199254740992.0);
  const std::vector<float> f = Generator(1234).uniform({2}).to_vector<float>();
  CHECK(f[0] == float(w[1] >> 8) / 16777216.f);
  CHECK(g.randint(0, 1000000, {3}).to_vector<int64_t>() ==
        Generator(1234, 2).randint(0, 1000000, {3}).to_vector<int64_t>());
}

/// Kolmogorov and Smirnov's statistic of `values` against the distribution function `cdf`, times sqrt(n).
template <class F>
double kolmogorov_smirnov(std::vector<double> values, const F& cdf) {
  std::sort(values.begin(), values.end());
  const double n = double(values.size());
  double worst = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double p = cdf(values[i]);
    worst = std::max({worst, p - double(i) / n, double(i + 1) / n - p});
  }
  return worst * std::sqrt(n);
}

TEST_CASE("random: distributions") {
  constexpr int64_t n = 100000;
  // 1.95 is exceeded once in a thousand times; the seeds are fixed.
  for (DType dtype : {DType::f32, DType::f64}) {
    Generator g(1);
    const std::vector<double> u = g.uniform({n}, dtype).to_vector<double>(),
                              z = g.normal({n}, dtype).to_vector<double>();
    CHECK(kolmogorov_smirnov(u, [](double x) { return x; }) < 1.95);
    CHECK(kolmogorov_smirnov(z, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }) < 1.95);
    CHECK(*std::min_element(u.begin(), u.end()) >= 0);
    CHECK(*std::max_element(u.begin(), u.end()) < 1);
    double mean = 0, square = 0, fourth = 0, neighbours = 0;
    for (size_t i = 0; i < z.size(); ++i) {
      mean += z[i], square += z[i] * z[i], fourth += z[i] * z[i] * z[i] * z[i];
      if (i) neighbours += z[i] * z[i - 1];
    }
    CHECK(std::abs(mean / n) < 3.5 / std::sqrt(double(n)));
    CHECK(std::abs(square / n - 1) < 3.5 * std::sqrt(2.0 / n));
    CHECK(std::abs(fourth / n - 3) < 3.5 * std::sqrt(96.0 / n));
    CHECK(std::abs(neighbours / n) < 3.5 / std::sqrt(double(n)));
  }
}

TEST_CASE("random: integers, coins and permutations") {
  Generator g(2);
  constexpr int64_t n = 60000;
  std::vector<double> counts(6);
  for (int64_t v : g.randint(-2, 4, {n}).to_vector<int64_t>()) {
    REQUIRE(v >= -2);
    REQUIRE(v < 4);
    counts[size_t(v + 2)] += 1;
  }
  double chi_square = 0;
  for (double count : counts) chi_square += (count - n / 6.) * (count - n / 6.) / (n / 6.);
  CHECK(chi_square < 20.5);  // 5 degrees of freedom, one in a thousand
  bool low = false, high = false;
  for (int64_t v : g.randint(INT64_MIN, INT64_MAX, {100}).to_vector<int64_t>()) low |= v < 0, high |= v > 0;
  CHECK(low);
  CHECK(high);
  CHECK(g.randint(7, 8, {3}).to_vector<int64_t>() == std::vector<int64_t>{7, 7, 7});

  double heads = 0;
  for (double v : g.bernoulli(0.3, {n}).to_vector<double>()) {
    REQUIRE((v == 0 || v == 1));
    heads += v;
  }
  CHECK(std::abs(heads / n - 0.3) < 3.5 * std::sqrt(0.21 / n));
  for (double v : g.bernoulli(0, {100}).to_vector<double>()) REQUIRE(v == 0);
  for (double v : g.bernoulli(1, {100}, DType::boolean).to_vector<double>()) REQUIRE(v == 1);

  const uint64_t before = g.offset();
  std::vector<int64_t> p = g.permutation(1000).to_vector<int64_t>();
  CHECK(g.offset() == before + 1000);
  CHECK_FALSE(std::is_sorted(p.begin(), p.end()));
  std::sort(p.begin(), p.end());
  for (int64_t i = 0; i < 1000; ++i) REQUIRE(p[size_t(i)] == i);
  CHECK(g.permutation(0).numel() == 0);
  std::vector<double> orders(24);  // all orders of four are equally likely
  for (int i = 0; i < 24000; ++i) {
    const std::vector<int64_t> q = g.permutation(4).to_vector<int64_t>();
    int rank = 0;
    for (size_t a = 0; a < 4; ++a) {
      int smaller = 0;
      for (size_t b = a + 1; b < 4; ++b) smaller += q[b] < q[a];
      rank = rank * int(4 - a) + smaller;
    }
    orders[size_t(rank)] += 1;
  }
  chi_square = 0;
  for (double count : orders) chi_square += (count - 1000) * (count - 1000) / 1000;
  CHECK(chi_square < 49.7);  // 23 degrees of freedom, one in a thousand
}

TEST_CASE("random: forks are streams of their own") {
  const Generator g(9, 100);
  CHECK(g.fork(1).seed() == Generator(9).fork(1).seed());  // the offset plays no part
  CHECK(g.fork(1).offset() == 0);
  std::set<uint64_t> seeds;
  for (uint64_t seed = 0; seed < 30; ++seed)
    for (uint64_t key = 0; key < 30; ++key) seeds.insert(Generator(seed).fork(key).seed());
  CHECK(seeds.size() == 900);
  const std::vector<double> a = g.fork(1).normal({10000}).to_vector<double>(),
                            b = g.fork(2).normal({10000}).to_vector<double>();
  double correlation = 0;
  for (size_t i = 0; i < a.size(); ++i) correlation += a[i] * b[i] / 10000;
  CHECK(std::abs(correlation) < 0.035);
}

TEST_CASE("random: errors leave the stream where it was") {
  Generator g(1);
  CHECK(message_of<ConfigError>([&] { g.randint(3, 3, {2}); }) == "[randint] needs low < high, got 3 and 3");
  CHECK(message_of<ConfigError>([&] { g.bernoulli(1.5, {2}); }) ==
        "[bernoulli] the probability must lie in [0, 1], got 1.500000");
  CHECK(message_of<ConfigError>([&] { g.bernoulli(std::nan(""), {2}); }) != "");
  CHECK(message_of<DTypeError>([&] { g.normal({2}, DType::i64); }) ==
        "[normal] computes in f32 or f64, got i64; convert with to(x, DType::f32)");
  CHECK(message_of<ShapeError>([&] { g.permutation(-1); }) == "[permutation] the length cannot be negative, got -1");
  CHECK(g.offset() == 0);
}

}  // namespace
}  // namespace ditharos::tests
