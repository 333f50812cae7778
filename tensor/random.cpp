#include <ditharos/tensor/random.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <ditharos/tensor/draws/batch_rows.h>
#include <ditharos/tensor/draws/draw_log.h>
#include <ditharos/tensor/kernels/dispatch.h>
#include <ditharos/tensor/kernels/pointwise/convert.h>
#include <ditharos/tensor/kernels/random/random_isa.h>
#include <ditharos/tensor/observer.h>
#include <ditharos/tensor/parallel.h>

namespace ditharos {
namespace {

/// Least number of elements per thread: each costs ten rounds of Philox.
constexpr int64_t grain = 4096;

/// High 64 bits of the product: maps the 64 random bits of `x` to [0, n). Each value's probability is within 2^-64 of
/// 1/n.
uint64_t scale_to(uint64_t x, uint64_t n) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(x) * n) >> 64);
}

/// The 128 random bits of one element.
struct Bits {
  uint64_t first, second;
  Bits(uint64_t seed, uint64_t counter) {
    const auto w = philox(seed, counter);
    first = uint64_t(w[1]) << 32 | w[0];
    second = uint64_t(w[3]) << 32 | w[2];
  }
};

double unit_interval(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }  // [0, 1)

/// Box and Muller (1958), the cosine branch alone, so that an element needs no neighbour.
double normal_value(const Bits& bits) {
  const double u = 1.0 - unit_interval(bits.first);  // (0, 1]: the logarithm stays finite
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * unit_interval(bits.second));
}

/// The rows of a draw; of a draw without axes, all of it.
RowRange rows_of(const Shape& shape) { return shape.rank() == 0 ? RowRange{0, 1, 1} : batch_rows(shape[0]); }

/// The draw of a whole tensor, whose element i has counter result.offset + i; advances the offset. In a BatchRows scope
/// the tensor has the rows of that scope alone, and the offset advances by all rows.
Draw draw_of(const Tensor& out, uint64_t seed, uint64_t& offset) {
  const RowRange rows = rows_of(out.shape());
  const int64_t row = rows.count > 0 ? out.numel() / rows.count : 0;  // elements
  Draw whole = begin_draw(seed, offset, uint64_t(rows.total * row));
  whole.offset += uint64_t(rows.first * row);
  return whole;
}

/// A tensor whose element i is f(bits of its counter); advances the offset.
template <class T, class F>
Tensor draw(const Shape& shape, uint64_t seed, uint64_t& offset, const F& f) {
  const WorkScope scope({.name = "random", .shape = &shape});
  Tensor out(shape, dtype_of<T>);
  T* p = out.mutable_data<T>();
  const Draw from = draw_of(out, seed, offset);
  parallel_for(out.numel(), grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) p[i] = f(Bits(from.seed, from.offset + uint64_t(i)));
  });
  return out;
}

/// The same from a kernel that fills a range.
template <class T>
Tensor draw_range(const Shape& shape, uint64_t seed, uint64_t& offset,
                  void (*kernel)(uint64_t seed, uint64_t counter, int64_t n, T* out)) {
  const WorkScope scope({.name = "random", .shape = &shape});
  Tensor out(shape, dtype_of<T>);
  T* p = out.mutable_data<T>();
  const Draw from = draw_of(out, seed, offset);
  parallel_for(out.numel(), grain, [&](int64_t begin, int64_t end) {
    kernel(from.seed, from.offset + uint64_t(begin), end - begin, p + begin);
  });
  return out;
}

const kernels::RandomKernels& loops() { return kernels::isa_kernels<kernels::RandomKernels>(); }

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection of 64-bit integers that mixes every bit.
uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace

std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter, uint64_t counter_high) {
  uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
  std::array<uint32_t, 4> c = {uint32_t(counter), uint32_t(counter >> 32), uint32_t(counter_high),
                               uint32_t(counter_high >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53} * c[0], product1 = uint64_t{0xCD9E8D57} * c[2];
    c = {uint32_t(product1 >> 32) ^ c[1] ^ k0, uint32_t(product1), uint32_t(product0 >> 32) ^ c[3] ^ k1,
         uint32_t(product0)};
    k0 += 0x9E3779B9;  // the golden ratio
    k1 += 0xBB67AE85;  // sqrt(3) - 1
  }
  return c;
}

Tensor Generator::uniform(const Shape& shape, DType dtype) {
  check_floating("uniform", dtype);
  // f32 takes its own 24 bits: a rounded double could become 1.
  return dtype == DType::f32 ? draw_range(shape, seed_, offset_, loops().uniform_f32)
                             : draw_range(shape, seed_, offset_, loops().uniform_f64);
}

Tensor Generator::normal(const Shape& shape, DType dtype) {
  check_floating("normal", dtype);
  return dtype == DType::f32 ? draw_range(shape, seed_, offset_, loops().normal_f32)
                             : draw<double>(shape, seed_, offset_, [](const Bits& bits) { return normal_value(bits); });
}

Tensor Generator::randint(int64_t low, int64_t high, const Shape& shape) {
  check<ConfigError>(low < high, "[randint] needs low < high, got ", low, " and ", high);
  const uint64_t range = uint64_t(high) - uint64_t(low);  // right even where high - low would overflow
  return draw<int64_t>(shape, seed_, offset_,
                       [=](const Bits& bits) { return int64_t(uint64_t(low) + scale_to(bits.first, range)); });
}

Tensor Generator::bernoulli(double p, const Shape& shape, DType dtype) {
  check<ConfigError>(p >= 0 && p <= 1, "[bernoulli] the probability must lie in [0, 1], got ", p);
  const WorkScope scope({.name = "random", .shape = &shape});
  Tensor out(shape, dtype);
  const Draw from = draw_of(out, seed_, offset_);
  visit_dtype(dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = out.mutable_data<T>();
    const T hit = kernels::convert<T>(1), miss = kernels::convert<T>(0);
    parallel_for(out.numel(), grain, [&](int64_t begin, int64_t end) {
      constexpr int64_t piece = 512;
      double drawn[piece];
      for (int64_t i = begin; i < end; i += piece) {
        const int64_t n = std::min(piece, end - i);
        loops().uniform_f64(from.seed, from.offset + uint64_t(i), n, drawn);
        for (int64_t k = 0; k < n; ++k) to[i + k] = drawn[k] < p ? hit : miss;
      }
    });
  });
  return out;
}

Tensor Generator::permutation(int64_t n) {
  check<ShapeError>(n >= 0, "[permutation] the length cannot be negative, got ", n);
  Tensor out({n}, DType::i64);
  int64_t* p = out.mutable_data<int64_t>();
  for (int64_t i = 0; i < n; ++i) p[i] = i;
  const Draw from = begin_draw(seed_, offset_, uint64_t(n));
  for (int64_t i = 0; i < n; ++i) {
    const int64_t j = i + int64_t(scale_to(Bits(from.seed, from.offset + uint64_t(i)).first, uint64_t(n - i)));
    std::swap(p[i], p[j]);
  }
  return out;
}

double Generator::uniform() {
  const Draw from = begin_draw(seed_, offset_, 1);
  return unit_interval(Bits(from.seed, from.offset).first);
}

Generator Generator::fork(uint64_t key) const { return Generator(mix(mix(seed_ + 0x9e3779b97f4a7c15u) + key)); }

}  // namespace ditharos
