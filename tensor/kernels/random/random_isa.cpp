#include <ditharos/tensor/kernels/random/random_isa.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include <ditharos/tensor/kernels/simd/vector_double.h>

// Compiled without contraction to fused multiply-adds (Library.cmake), so that all instruction sets round alike.
namespace ditharos::kernels {
namespace DITHAROS_ISA {
namespace {

/// Elements that are drawn together: enough for the CPU to work on while the steps of a number wait for each other.
constexpr int64_t block = vector_bytes == 64 ? 32 : 16;

/// 64-bit lanes. Philox multiplies their lower halves and takes both halves of the products.
using Lanes = Vector<uint64_t>;
inline Lanes multiply_low(Lanes a, uint32_t factor) {
#if defined(__AVX512F__)
  return (Lanes)_mm512_maskz_mul_epu32(0xff, (__m512i)a, _mm512_set1_epi64(factor));  // GCC 12 warns of the other
#elif defined(__AVX2__)
  return (Lanes)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(factor));
#elif defined(__SSE2__)
  return (Lanes)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(factor));
#else
  return (a & 0xffffffff) * factor;
#endif
}

/// The upper half of each lane in its lower half. What is in the upper one does not matter, so that a shuffle does,
/// which other parts of the CPU execute than a multiplication.
inline Lanes upper_half(Lanes a) {
#if defined(__AVX512F__)
  return (Lanes)_mm512_maskz_shuffle_epi32(0xffff, (__m512i)a, _MM_PERM_DDBB);
#elif defined(__AVX2__)
  return (Lanes)_mm256_shuffle_epi32((__m256i)a, 0xf5);
#else
  return a >> 32;
#endif
}

/// The four 32-bit words of `block` consecutive counters. Between the rounds the upper halves of the lanes hold bits
/// that nothing reads.
struct Words {
  static constexpr int vectors = int(block) / lanes<uint64_t>;
  uint64_t w[4][block];

  Words(uint64_t key, uint64_t counter) {
    Lanes c[4][vectors] = {}, order{};
    for (int i = 0; i < lanes<uint64_t>; ++i) order[i] = uint64_t(i);
    for (int v = 0; v < vectors; ++v) c[0][v] = order + (counter + uint64_t(v * lanes<uint64_t>));
    for (int v = 0; v < vectors; ++v) c[1][v] = c[0][v] >> 32;
    uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
    for (int round = 0; round < 10; ++round) {
      for (int v = 0; v < vectors; ++v) {
        const Lanes product0 = multiply_low(c[0][v], 0xD2511F53), product1 = multiply_low(c[2][v], 0xCD9E8D57);
        c[0][v] = upper_half(product1) ^ c[1][v] ^ uint64_t(k0);
        c[2][v] = upper_half(product0) ^ c[3][v] ^ uint64_t(k1);
        c[1][v] = product1, c[3][v] = product0;
      }
      k0 += 0x9E3779B9;
      k1 += 0xBB67AE85;
    }
    for (int k = 0; k < 4; ++k)
      for (int v = 0; v < vectors; ++v) store(w[k] + v * lanes<uint64_t>, c[k][v] & 0xffffffff);
  }
};

/// Up to 52 bits as a number: they are the fraction of 2^52 and more.
inline double number(uint64_t bits) { return __builtin_bit_cast(double, bits | 0x4330000000000000) - 0x1p52; }
/// The upper 53 of 64 bits, in [0, 1). Every step is exact.
inline double unit_interval(uint64_t low, uint64_t high) {
  return (number(high) * 2097152. + number(low >> 11)) * 0x1p-53;
}

/// ln u for u in (0, 1]. u = 2^k m with m in [sqrt(1/2), sqrt(2)): ln m = 2 artanh(s) with s = (m - 1) / (m + 1).
inline double log_of(double u) {
  constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33, rounder = 6755399441055744.;
  const int64_t bits = __builtin_bit_cast(int64_t, u), k = (bits - 0x3fe6a09e667f3bcd) >> 52;
  const double exponent = __builtin_bit_cast(double, k + 0x4338000000000000) - rounder;
  const double f = __builtin_bit_cast(double, bits - (k << 52)) - 1., s = f / (2. + f), z = s * s;
  double p = 1. / 21;
  p = p * z + 1. / 19;
  p = p * z + 1. / 17;
  p = p * z + 1. / 15;
  p = p * z + 1. / 13;
  p = p * z + 1. / 11;
  p = p * z + 1. / 9;
  p = p * z + 1. / 7;
  p = p * z + 1. / 5;
  p = p * z + 1. / 3;
  // 2 s = f - s f, of which f is exact.
  return exponent * ln2_high + (f - (s * f - 2. * s * z * p) + exponent * ln2_low);
}

/// cos a for a in [0, 2 pi]: a = k pi/2 + r with |r| <= pi/4, and Taylor's polynomials.
inline double cos_of(double a) {
  constexpr double part1 = 1.57079632673412561417, part2 = 6.07710050650619224932e-11, rounder = 6755399441055744.;
  const double shifted = a * 0.63661977236758134308 + rounder, k = shifted - rounder;
  const int64_t turns = __builtin_bit_cast(int64_t, shifted) + 1;
  const double r = (a - k * part1) - k * part2, z = r * r;
  double sine = -1. / 1307674368000;
  sine = sine * z + 1. / 6227020800;
  sine = sine * z - 1. / 39916800;
  sine = sine * z + 1. / 362880;
  sine = sine * z - 1. / 5040;
  sine = sine * z + 1. / 120;
  sine = sine * z - 1. / 6;
  sine = r + r * z * sine;
  double cosine = 1. / 20922789888000;
  cosine = cosine * z - 1. / 87178291200;
  cosine = cosine * z + 1. / 479001600;
  cosine = cosine * z - 1. / 3628800;
  cosine = cosine * z + 1. / 40320;
  cosine = cosine * z - 1. / 720;
  cosine = cosine * z + 1. / 24;
  cosine = 1. - (.5 * z - z * z * cosine);
  const double size = (turns & 1) != 0 ? cosine : sine;
  return (turns & 2) != 0 ? -size : size;
}

/// out[i] = f(words, i), in whole blocks; the last one through a buffer.
template <class T, class F>
inline void draw(uint64_t seed, uint64_t counter, int64_t n, T* out, F f) {
  for (int64_t first = 0; first < n; first += block) {
    const Words words(seed, counter + uint64_t(first));
    T drawn[block];
#pragma omp simd
    for (int64_t i = 0; i < block; ++i) drawn[i] = f(words, i);
    __builtin_memcpy(out + first, drawn, (n - first < block ? uint64_t(n - first) : uint64_t(block)) * sizeof(T));
  }
}

void draw_uniform(uint64_t seed, uint64_t counter, int64_t n, float* out) {
  draw(seed, counter, n, out,
       [](const Words& words, int64_t i) { return float(int32_t(words.w[1][i] >> 8)) * 0x1p-24f; });
}
void draw_uniform(uint64_t seed, uint64_t counter, int64_t n, double* out) {
  draw(seed, counter, n, out,
       [](const Words& words, int64_t i) { return unit_interval(words.w[0][i], words.w[1][i]); });
}

/// Box and Muller (1958), the cosine branch alone, so that an element needs no neighbour.
inline float normal_of(const Words& words, int64_t i) {
  const double u = 1. - unit_interval(words.w[0][i], words.w[1][i]);  // (0, 1]: the logarithm stays finite
  const double angle = 6.28318530717958647693 * unit_interval(words.w[2][i], words.w[3][i]);
  return float(__builtin_sqrt(-2. * log_of(u)) * cos_of(angle));
}

using Doubles = Vector<double>;
using Integers = Vector<int64_t>;
/// a b + c, rounded once or twice: where it is used, that may not matter.
inline Doubles multiply_add(Doubles a, Doubles b, Doubles c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_pd(a, b, c);
#else
  return a * b + c;
#endif
}
inline Doubles all(double x) { return Doubles{} + x; }

/// a / b and sqrt(a) with relative errors below 1e-15, for a and b that are neither huge nor denormal. AVX-512 has
/// approximations of 14 bits, which series in their errors e refine in less time than a division or root takes.
inline Doubles quotient(Doubles a, Doubles b) {
#if defined(__AVX512F__)
  const Doubles inverse = _mm512_maskz_rcp14_pd(0xff, b), e = multiply_add(-b, inverse, all(1)), first = a * inverse;
  return multiply_add(first, multiply_add(multiply_add(e, e, e), e, e), first);  // first (1 + e + e^2 + e^3)
#else
  return a / b;
#endif
}
inline Doubles square_root(Doubles a) {
#if defined(__AVX512F__)
  const Doubles inverse = _mm512_maskz_rsqrt14_pd(0xff, a), first = a * inverse;
  const Doubles e = multiply_add(-first, inverse, all(1));
  const Doubles series = multiply_add(multiply_add(e, all(5. / 16), all(3. / 8)), e, all(.5)) * e;
  return multiply_add(first, series, first);  // first (1 - e)^(-1/2)
#else
  Doubles root;
  for (int i = 0; i < lanes<double>; ++i) root[i] = __builtin_sqrt(a[i]);
  return root;
#endif
}

/// The 53 bits of unit_interval as a whole number.
inline Doubles whole_number(const uint64_t* low, const uint64_t* high) {
  const auto number = [](Lanes bits) { return Doubles(bits | 0x4330000000000000) - 0x1p52; };
  return multiply_add(number(load(high)), all(2097152.), number(load(low) >> 11));
}

/// ln u as log_of and cos a as cos_of, with relative errors below 1e-13, by minimax polynomials.
inline Doubles fast_log(Doubles u) {
  const Integers bits = Integers(u), k = (bits - 0x3fe6a09e667f3bcd) >> 52;
  const Doubles exponent = Doubles(k + 0x4338000000000000) - 6755399441055744.;
  const Doubles f = Doubles(bits - (k << 52)) - 1., s = quotient(f, f + 2.), z = s * s;
  Doubles p = multiply_add(z, all(0.09792470296413838), all(0.11088070651079543));
  p = multiply_add(p, z, all(0.142860550517956));
  p = multiply_add(p, z, all(0.19999997807409087));
  p = multiply_add(p, z, all(0.3333333333790782));
  const Doubles twice = s + s;
  return multiply_add(exponent, all(0x1.62e42fefa39efp-1), multiply_add(twice * z, p, twice));
}
inline Doubles fast_cos(Doubles a) {
  // As a sine: a = k pi + r with k a whole number and a half, |r| <= pi/2.
  const Doubles shifted = multiply_add(a, all(0.31830988618379067154), all(.5)) + 6755399441055744.;
  const Doubles k = (shifted - 6755399441055744.) - .5;
  const Doubles r = multiply_add(k, all(-1.21542010130123852445e-10), multiply_add(k, all(-3.14159265346825122833), a));
  const Doubles s = r * r;
  Doubles p = multiply_add(s, all(1.5409464371995495e-10), all(-2.5030192575601598e-08));
  p = multiply_add(p, s, all(2.7556953003354077e-06));
  p = multiply_add(p, s, all(-0.0001984126672849114));
  p = multiply_add(p, s, all(0.008333333321081231));
  p = multiply_add(p, s, all(-0.1666666666650451));
  return Doubles(Integers(multiply_add(r * s, p, r)) ^ (Integers(shifted) << 63));
}

/// normal_of for a block. False where a number is so close to the middle between two floats that the functions above
/// might round to the other one, or where u = 1: then normal_of has to decide.
inline bool fast_normals(const Words& words, float* out) {
  // The bits that f32 has not are within 2^12 of those of a midpoint, 4.5e-13 of the number: above 13 bits they are 0.
  AnyClear near_midpoint((1 << 29) - (1 << 13)), zero(-1);
#pragma GCC unroll 8
  for (int64_t i = 0; i < block; i += lanes<double>) {
    const Doubles below_one = whole_number(words.w[0] + i, words.w[1] + i);
    const Doubles u = multiply_add(below_one, all(-0x1p-53), all(1));
    const Doubles angle = whole_number(words.w[2] + i, words.w[3] + i) * 0x1p-53 * 6.28318530717958647693;
    const Doubles normal = square_root(fast_log(u) * -2.) * fast_cos(angle);
    store_narrowed(out + i, normal);
    near_midpoint.add(Integers(normal) - ((1 << 28) - (1 << 12)));
    zero.add(Integers(below_one));
  }
  return !near_midpoint && !zero;
}

void draw_normal(uint64_t seed, uint64_t counter, int64_t n, float* out) {
  for (int64_t first = 0; first < n; first += block) {
    const Words words(seed, counter + uint64_t(first));
    float drawn[block];
    if (!fast_normals(words, drawn)) {
#pragma omp simd
      for (int64_t i = 0; i < block; ++i) drawn[i] = normal_of(words, i);
    }
    __builtin_memcpy(out + first, drawn, (n - first < block ? uint64_t(n - first) : uint64_t(block)) * sizeof(float));
  }
}

}  // namespace
}  // namespace DITHAROS_ISA

const RandomKernels& RandomKernels::DITHAROS_ISA() {
  using namespace kernels::DITHAROS_ISA;
  static constexpr RandomKernels table = {draw_uniform, draw_uniform, draw_normal};
  return table;
}

}  // namespace ditharos::kernels
